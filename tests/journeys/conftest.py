"""What the journeys through a browser share."""

from browsers import accessible, axe_source, chromium, violations

__all__ = ["accessible", "axe_source", "chromium", "violations"]
