"""The one seam to the job engine."""
