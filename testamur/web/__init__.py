"""What the doors of the web share: the parts they work with, error answers, request logs, limits, pages."""
