"""See to it that there is a browser for the tests: one that is here, else Debian's package, else Playwright's own.

The one without windows is enough for them, and takes two thirds of the time; `--whole` is for what needs all of it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

WITHOUT_WINDOWS = "chromium-headless-shell"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    is_whole = "--whole" in sys.argv
    names = NAMES if is_whole else (WITHOUT_WINDOWS, *NAMES)
    if _is_there(names) or _has_own():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing Debian's chromium, which the tests drive")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        packages = ["chromium"] if is_whole else [WITHOUT_WINDOWS, "chromium"]
        for command in (["update"], *(["install", "-y", package] for package in packages)):
            subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)
            if _is_there(names):
                return
    print("Downloading the chromium of Playwright, which the tests drive")
    sys.exit(subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode)


def _is_there(names: Sequence[str]) -> bool:
    return any(shutil.which(name) for name in names)


def _has_own() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


if __name__ == "__main__":
    main()
