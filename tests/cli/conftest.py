"""The command as an operator calls it: a process of its own, in a data folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Testamur = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command_environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TESTAMUR_DATA_DIR": str(tmp_path / "data"), "NO_COLOR": "1"}


@pytest.fixture
def testamur(command_environment: dict[str, str]) -> Testamur:
    def run(*arguments, exit_code: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "testamur", *map(str, arguments)],
            env={**command_environment, **environment},
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
