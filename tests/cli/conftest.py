"""The command as an operator calls it, in a data folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import call

Testamur = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command_environment(tmp_path: Path) -> dict[str, str]:
    return {"TESTAMUR_DATA_DIR": str(tmp_path / "data"), "NO_COLOR": "1"}


@pytest.fixture
def testamur(command_environment: dict[str, str]) -> Testamur:
    """Calls it in this process."""

    def run(*arguments, exit_code: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
        done = call([str(argument) for argument in arguments], {**command_environment, **environment})
        assert done.returncode == exit_code, done.stderr
        return done

    return run


@pytest.fixture
def testamur_process(command_environment: dict[str, str]) -> Testamur:
    """Calls it as a process of its own."""

    def run(*arguments, exit_code: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "testamur", *map(str, arguments)],
            env={**os.environ, **command_environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == exit_code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def set_up(testamur: Testamur) -> dict:
    return json.loads(testamur("bootstrap", "--json").stdout)
