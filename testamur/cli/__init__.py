"""The door for operators: the `testamur` command."""

from testamur.cli.command import main

__all__ = ["main"]
