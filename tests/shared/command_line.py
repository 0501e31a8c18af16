"""The `testamur` command called in the process of the tests, because most of a short command's time is its start."""

import io
import logging
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout

import pytest
import structlog

from testamur.cli import main


def call(words: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """What a process of these words and settings would print, and how it would end."""
    root, code = logging.getLogger(), 0
    handlers, level = root.handlers[:], root.level
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            main(words)
        except SystemExit as ended:
            code = ended.code
        finally:
            # A command sends its log to the standard error that it finds, which is none of the next test's.
            root.handlers[:] = handlers
            root.setLevel(level)
            structlog.reset_defaults()
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
