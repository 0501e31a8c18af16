"""Testamur issues digital credentials: certificates and badges that anyone can verify."""

__version__ = "0.1.0"
