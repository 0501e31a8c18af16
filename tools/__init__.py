"""What the developers of Testamur run by hand; nothing of it is installed."""
