"""A download from a real server: a client that leaves, a server that stops, and the command."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager

import httpx2
import pytest
from command_line import call
from PIL import Image

PEOPLE = 40
# A server that waits for its clients less long than usual when it is to stop.
SERVE = "from testamur.cli import main, serve; serve.STOP_SECONDS = 2; main()"


def noise():
    """A large picture, so that few certificates are more than what systems keep for a client that does not read."""
    made = io.BytesIO()
    Image.effect_noise((1000, 1000), 200).convert("RGB").save(made, "JPEG", quality=90)
    return made.getvalue()


@contextmanager
def serving(folder):
    """A server that holds a template with many certificates: its address, headers, template and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "TESTAMUR_DATA_DIR": str(folder / "data"), "TESTAMUR_RATE_LIMIT": "off"}
    made = json.loads(call(["bootstrap", "--json"], environment).stdout)
    headers = {"Authorization": f"Bearer {made['token']}", "Certifier-Version": "2022-10-26"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
    try:
        base_url = f"http://127.0.0.1:{port}"
        ends = time.monotonic() + 60
        while True:
            try:
                assert httpx2.get(f"{base_url}/readyz", timeout=5).status_code == 200
                break
            except httpx2.HTTPError:
                assert process.poll() is None and time.monotonic() < ends
                time.sleep(0.1)
        with httpx2.Client(base_url=f"{base_url}/v1", headers=headers, timeout=60) as api:
            headers_of_jpeg = {"Content-Type": "image/jpeg"}
            asset = api.post("/assets", content=noise(), headers=headers_of_jpeg).raise_for_status().json()
            picture = {"type": "image", "x": 0, "y": 0, "width": 80, "height": 80, "source": asset["source"]}
            document = {"version": 1, "page": {"width": 80, "height": 80}, "elements": [picture]}
            body = {"name": "Large", "type": "certificate", "document": document}
            design = api.post("/designs", json=body).raise_for_status().json()
            group = api.post("/groups", json={"name": "Financial Markets", "designIds": [design["id"]]}).json()
            items = [{"groupId": group["id"], "recipient": {"name": f"Person {n:03}"}} for n in range(PEOPLE)]
            api.post("/credentials/bulk", json={"items": items, "action": "issue"}).raise_for_status()
        yield base_url, headers, group["id"], process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=30)


def begin(base_url, headers, path):
    """A connection that has asked for a download and has read its first bytes and no more."""
    host, port = base_url.removeprefix("http://").split(":")
    connection = socket.socket()
    # A small window, so that the server feels that nothing more is taken.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect((host, int(port)))
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    assert connection.recv(1024).startswith(b"HTTP/1.1 200")
    return connection


@pytest.mark.timeout(300)
def test_clients_that_leave_free_their_places_and_a_stop_ends_what_is_left(tmp_path):
    with serving(tmp_path) as (base_url, headers, template_id, process):
        path = f"/v1/groups/{template_id}/download"
        slow = [begin(base_url, headers, path) for _ in range(2)]
        refused = httpx2.get(f"{base_url}{path}", headers=headers, timeout=30)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "service_unavailable")
        # Other requests pass meanwhile.
        assert httpx2.get(f"{base_url}/v1/me", headers=headers, timeout=30).status_code == 200
        for connection in slow:
            connection.close()
        ends = time.monotonic() + 60
        while (answer := httpx2.get(f"{base_url}{path}", headers=headers, timeout=120)).status_code == 503:
            assert time.monotonic() < ends
            time.sleep(0.1)
        assert len(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == PEOPLE + 1
        cut_off = begin(base_url, headers, path)
        process.send_signal(signal.SIGTERM)
        # Who waits for a client that takes nothing is ended when the time for stopping is over.
        assert process.wait(timeout=90) == 0
        cut_off.close()
