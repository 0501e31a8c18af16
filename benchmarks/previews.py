"""Pictures at their addresses: the same bytes from Testamur, Starlette's StaticFiles and nginx; and a design's first."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import msgspec

from benchmarks.load import Load, Measured
from benchmarks.report import Report, Target
from benchmarks.serving import CONNECTIONS, Started, _free_port, _server, _testamur
from benchmarks.stacks.database import VERSION

OWN, STARLETTE, NGINX = "Testamur", "Starlette's StaticFiles", "nginx"
# Debian's package puts it where only root looks.
_NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
_NGINX_CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  types {{ image/png png; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def measure(*, quick: bool) -> Report:
    rounds, seconds, versions = (1, 2.0, 5) if quick else (3, 5.0, 20)
    figures: dict[str, dict[str, list[Measured]]] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:
        folder = Path(root)
        with _testamur(folder / "data") as run:
            pictures = _pictures(run)
            for name, path in pictures.items():
                answer = httpx2.get(f"http://127.0.0.1:{run.port}{path}").raise_for_status()
                (folder / f"{name.replace(' ', '-')}.png").write_bytes(answer.content)
            with httpx2.Client() as client:
                firsts = [_first_preview(run, client, number) for number in range(versions)]
            with _starlette(folder) as starlette_port, _nginx(folder) as nginx_port:
                for name, path in pictures.items():
                    static = f"/{name.replace(' ', '-')}.png"
                    places = {OWN: (run.port, path), STARLETTE: (starlette_port, static)}
                    if nginx_port is not None:
                        places[NGINX] = (nginx_port, static)
                    found = figures[name] = {server: [] for server in places}
                    for _ in range(rounds):
                        for server, (port, place) in places.items():
                            found[server].append(_load(port, place, seconds))
    return Report(
        name="previews",
        title="A stored picture at its address, and the first of a new design version",
        headings=("picture", "server", "requests/s", "p50 ms", "p99 ms", "Testamur is"),
        rows=[
            *(
                (
                    name,
                    server,
                    f"{median(item.requests_per_second for item in measured):.0f}",
                    f"{median(item.p50_ms for item in measured):.2f}",
                    f"{median(item.p99_ms for item in measured):.2f}",
                    f"{_ratio(found, server):.2f} x",
                )
                for name, found in figures.items()
                for server, measured in found.items()
            ),
            ("first of a version", OWN, "", f"{median(firsts) * 1000:.0f}", f"{max(firsts) * 1000:.0f} (worst)", ""),
        ],
        targets=[
            *(
                Target(name=f"{name}: of {STARLETTE}", measured=_ratio(found, STARLETTE), at_least=0.5)
                for name, found in figures.items()
            ),
            Target(name="first preview of a design version, ms", measured=median(firsts) * 1000, at_most=100),
        ],
        left_out=[] if _NGINX else ["nginx: it is not installed"],
    )


def _ratio(found: dict[str, list[Measured]], server: str) -> float:
    pairs = zip(found[OWN], found[server], strict=True)
    return median(own.requests_per_second / other.requests_per_second for own, other in pairs)


def _pictures(run: Started) -> dict[str, str]:
    """The paths of a design's preview and of a credential's picture."""
    preview = _api(run, "GET", f"/designs/{run.design_ids[0]}")["previewUrl"]
    recipient = {"name": "Ada Lovelace", "email": "ada@example.com"}
    made = _api(run, "POST", "/credentials", {"groupId": run.template_id, "recipient": recipient})
    designs = _api(run, "GET", f"/credentials/{made['id']}/designs")
    (picture,) = (item["url"] for item in designs[0]["previews"] if item["format"] == "png")
    base_url = f"http://127.0.0.1:{run.port}"
    return {"design, 1200 px": preview.removeprefix(base_url), "credential, 1600 px": picture.removeprefix(base_url)}


def _first_preview(run: Started, client: httpx2.Client, number: int) -> float:
    """Seconds until the preview of a version that was made just now has come."""
    design_id = run.design_ids[0]
    document = _api(run, "GET", f"/designs/{design_id}/document")["document"]
    document["background"] = {"color": f"#fff{number:03x}"}
    url = _api(run, "PATCH", f"/designs/{design_id}", {"document": document})["previewUrl"]
    began = time.perf_counter()
    answer = client.get(url).raise_for_status()
    assert answer.content.startswith(b"\x89PNG")
    return time.perf_counter() - began


def _api(run: Started, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {run.token}", "Certifier-Version": VERSION}
    answer = httpx2.request(method, f"http://127.0.0.1:{run.port}/v1{path}", headers=headers, json=body)
    return answer.raise_for_status().json()


@contextmanager
def _starlette(folder: Path) -> Iterator[int]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.stacks.static:app", "--port", str(port), "--no-access-log"]
    with _server(command, {"STATIC_FOLDER": str(folder)}, port):
        yield port


@contextmanager
def _nginx(folder: Path) -> Iterator[int | None]:
    if _NGINX is None:
        yield None
        return
    port = _free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX_CONFIG.format(folder=folder, port=port), encoding="utf-8")
    folder.chmod(0o755)  # Its worker is another user if it is started by root.
    with _server([_NGINX, "-p", str(folder), "-c", str(config)], {}, port):
        yield port


def _load(port: int, path: str, seconds: float) -> Measured:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
    load = Load(port=port, request=request, connections=CONNECTIONS, warm_up_seconds=1.0, seconds=seconds)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=msgspec.json.encode(load), capture_output=True, check=True
    )
    measured = msgspec.json.decode(done.stdout, type=Measured)
    if set(measured.statuses) != {"200"} or measured.broken_connections:
        raise RuntimeError(f"Wrong answers: {json.dumps(measured.statuses)}")
    return measured
