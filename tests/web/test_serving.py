"""The server as a process: it starts, logs, stops gracefully, and shares its work among processes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx2
import pytest


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(tmp_path, *arguments, **environment):
    """A running `testamur serve`: its base URL, process, and what it prints; always ended."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    output = (tmp_path / "stdout").open("w+")
    errors = (tmp_path / "stderr").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "testamur", "serve", "--port", str(port), *arguments],
        env={**os.environ, "TESTAMUR_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1", **environment},
        stdout=output,
        stderr=errors,
    )
    try:
        ends = time.monotonic() + 120
        while time.monotonic() < ends and process.poll() is None:
            try:
                if httpx2.get(f"{base_url}/readyz", timeout=2).status_code == 200:
                    break
            except httpx2.HTTPError:
                time.sleep(0.05)
        yield base_url, process, lambda: (tmp_path / "stdout").read_text() + (tmp_path / "stderr").read_text()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
        output.close()
        errors.close()


def first_request(printed):
    """The parts of the curl command that the first start prints."""
    url = re.search(r'curl -X POST "([^"]+)"', printed)[1]
    headers = dict(header.split(": ", 1) for header in re.findall(r'-H "([^"]+)"', printed))
    return url, headers, re.search(r"-d '([^']+)'", printed)[1]


def test_the_first_start_tells_a_request_that_works_and_a_second_keeps_the_data(tmp_path):
    with serving(tmp_path) as (base_url, _, printed):
        url, headers, body = first_request(printed())
        assert url.startswith(base_url)
        made = httpx2.post(url, headers=headers, content=body)
        assert made.status_code == 201
        assert len(made.json()) == 8
    with serving(tmp_path) as (base_url, _, printed):
        assert "tst_" not in printed()
        assert httpx2.get(f"{base_url}/v1/groups/{made.json()['id']}", headers=headers).json() == made.json()


def test_logs_hold_a_request_id_and_never_a_token_or_an_address(tmp_path):
    with serving(tmp_path) as (base_url, _, printed):
        url, headers, body = first_request(printed())
        group = httpx2.post(url, headers=headers, content=body).json()
        body = {"groupId": group["id"], "recipient": {"name": "Hidden Person", "email": "hidden@example.com"}}
        made = httpx2.post(f"{base_url}/v1/credentials?email=hidden@example.com", headers=headers, json=body)
        assert made.status_code == 201
        httpx2.post(f"{base_url}/v1/credentials", headers=headers, content=b'{"groupId": 5, "x": "hidden@example.com"}')
    lines = [json.loads(line) for line in (tmp_path / "stderr").read_text().splitlines()]
    ids = {line.get("request_id") for line in lines if line["event"] == "request"}
    assert made.headers["x-request-id"] in ids
    logged = (tmp_path / "stderr").read_text().lower()
    assert "hidden" not in logged
    assert headers["Authorization"].split()[1].lower() not in logged


def test_a_request_in_flight_is_finished_before_the_server_ends(tmp_path):
    with serving(tmp_path) as (base_url, process, printed):
        _, headers, body = first_request(printed())
        host, port = base_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            lines = [f"{name}: {value}" for name, value in headers.items()]
            head = "\r\n".join(["POST /v1/groups HTTP/1.1", f"Host: {host}", *lines, f"Content-Length: {len(body)}"])
            connection.sendall(head.encode() + b"\r\n\r\n" + body[:10].encode())
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert process.poll() is None
            connection.sendall(body[10:].encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 201")
        assert process.wait(timeout=60) == 0
    assert "worker_stopped" in printed()
    assert "Traceback" not in printed()


def test_several_processes_serve_one_database_without_losing_a_write(tmp_path):
    with serving(tmp_path, "--workers", "2") as (base_url, _, printed):
        _, headers, body = first_request(printed())
        statuses = []

        def post():
            with httpx2.Client(base_url=base_url, headers=headers, timeout=30) as connection:
                statuses.extend(connection.post("/v1/groups", content=body).status_code for _ in range(10))

        threads = [threading.Thread(target=post) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert statuses == [201] * 60
        found, cursor = 0, None
        while True:
            query = {"limit": 50} | ({"cursor": cursor} if cursor else {})
            page = httpx2.get(f"{base_url}/v1/groups", params=query, headers=headers).json()
            found += len(page["data"])
            cursor = page["pagination"]["next"]
            if cursor is None:
                break
        assert found == 60


@pytest.mark.parametrize("limit", ["3/minute"])
def test_a_rate_limit_is_kept_per_workspace(tmp_path, limit):
    with serving(tmp_path, TESTAMUR_RATE_LIMIT=limit) as (base_url, _, printed):
        _, headers, _ = first_request(printed())
        answers = [httpx2.get(f"{base_url}/v1/groups", headers=headers) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].json()["error"]["code"] == "rate_limited"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
