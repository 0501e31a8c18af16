"""Server and worker are killed at random moments during an import with mails and webhooks; nothing is lost or doubled.

The long form: KILL_TEST_KILLS=10 KILL_TEST_ROWS=10000 make test TEST_ARGS="tests/journeys/test_killed.py -s".
"""

import contextlib
import email
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from command_line import call
from sqlalchemy import create_engine, text

KILLS = int(os.environ.get("KILL_TEST_KILLS", "3"))
ROWS = int(os.environ.get("KILL_TEST_ROWS", "200"))
# How long nothing at all may happen; a machine that is busy with other things takes long, but goes on.
STILL_SECONDS_MAX = 240
# A worker that is killed after it has claimed rows and before the job engine knows of it leaves them to the end of their
# lease. Nobody waits minutes for that here: the worker is ended in order, so that nobody holds a claim, the leases are
# cut short, and it is started again.
CUT_LEASES_AFTER_SECONDS = 15
_CUTS = (
    "UPDATE emails SET next_attempt_at = created_at WHERE state = 'queued'",
    "UPDATE webhook_deliveries SET next_attempt_at = event_created_at WHERE state = 'pending'",
    "UPDATE imports SET claimed_until = created_at WHERE state = 'running'",
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Events(ThreadingHTTPServer):
    """A receiver of webhooks that counts events by credential and type."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen = Counter()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handle_error(self, *_arguments):
        """A sender that is killed breaks its connections: that is the point of this test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen[event["type"], event["data"]["resource"]["id"], event["id"]] += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments):
        pass


class Processes:
    """A server and a worker that can be killed and started again."""

    def __init__(self, environment, port, log):
        self._environment, self._log = environment, log
        self._commands = {
            "serve": ["serve", "--port", str(port), "--no-worker"],
            "worker": ["worker", "--name", "w1"],
        }
        self.running = {}
        # Where what the worker of now logs begins.
        self._logged = 0

    def start(self, name):
        command = [sys.executable, "-m", "testamur", *self._commands[name]]
        if name == "worker":
            self._logged = os.fstat(self._log.fileno()).st_size
        self.running[name] = subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)

    def kill(self, name):
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)

    def end(self, name):
        process = self.running.pop(name)
        # On a busy machine it may not have begun to listen to signals.
        ends = time.monotonic() + STILL_SECONDS_MAX
        while b"worker_started" not in Path(self._log.name).read_bytes()[self._logged :]:
            assert time.monotonic() < ends and process.poll() is None
            time.sleep(0.1)
        process.terminate()
        assert process.wait(timeout=120) == 0

    def stop(self):
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.timeout(600 + ROWS)
def test_kills_at_random_moments_lose_and_double_nothing(database_url, tmp_path):
    port, events = free_port(), Events()
    plain_url = database_url.replace("+psycopg", "")
    environment = {
        **os.environ,
        "TESTAMUR_DATA_DIR": str(tmp_path / "data"),
        "TESTAMUR_DATABASE_URL": plain_url,
        "TESTAMUR_BASE_URL": f"http://127.0.0.1:{port}",
        "TESTAMUR_ALLOW_PRIVATE_NETWORKS": "true",
        "TESTAMUR_RATE_LIMIT": "off",
    }
    made = json.loads(call(["bootstrap", "--json"], environment).stdout)
    headers = {"Authorization": f"Bearer {made['token']}", "Certifier-Version": "2022-10-26"}
    client = httpx2.Client(base_url=f"http://127.0.0.1:{port}/v1", headers=headers, timeout=60)
    engine = create_engine(database_url)
    with (tmp_path / "log").open("w") as log:
        processes = Processes(environment, port, log)
        try:
            for name in ("serve", "worker"):
                processes.start(name)
            import_id = _begin(client, made, events)
            _disturb(processes, engine)
            _await_everything(processes, engine)
        finally:
            processes.stop()
            events.shutdown()
            events.server_close()
            client.close()
    with engine.connect() as connection:
        keys = connection.execute(text("SELECT id, recipient_email FROM credentials")).all()
        state = connection.execute(
            text("SELECT state, created, done FROM imports WHERE id = :i"), {"i": import_id}
        ).one()
    engine.dispose()
    assert state == ("completed", ROWS, ROWS)
    assert len(keys) == ROWS
    assert len({address for _, address in keys}) == ROWS
    mails = Counter()
    for file in (tmp_path / "data" / "mails").glob("*.eml"):
        mails[email.message_from_bytes(file.read_bytes(), policy=default)["to"].addresses[0].addr_spec] += 1
    assert mails == Counter({address: 1 for _, address in keys})
    told = Counter((type_, resource) for type_, resource, _ in events.seen)
    assert told == Counter(
        {(type_, id_): 1 for id_, _ in keys for type_ in ("credential.created", "credential.issued")}
    )
    repeated = sum(events.seen.values()) - len(events.seen)
    print(f"webhooks repeated: {repeated} of {len(events.seen)}")  # noqa: T201 - a figure of the long form.


def _begin(client, made, events):
    """A template, a webhook, and an import that issues and sends."""
    ends = time.monotonic() + STILL_SECONDS_MAX
    while True:
        with contextlib.suppress(httpx2.HTTPError):
            if client.get("/me").status_code == 200:
                break
        assert time.monotonic() < ends
        time.sleep(0.1)
    webhook = {"url": f"http://127.0.0.1:{events.server_port}/"}
    assert client.post("/webhooks", json=webhook).status_code == 201
    body = {"name": "Financial Markets", "designIds": [made["designs"][0]["id"]]}
    group = client.post("/groups", json=body).json()
    sheet = "name,email\n" + "".join(f"Recipient {n},r{n}@example.com\n" for n in range(ROWS))
    query = {"groupId": group["id"], "action": "send", "start": "true"}
    started = client.post("/imports", params=query, content=sheet.encode())
    assert started.status_code == 201, started.text
    return started.json()["id"]


def _disturb(processes, engine):
    """Kill one or the other at random moments of the work, however long the machine takes for it, and start it again."""
    chance = random.Random(20261124)
    all_steps = 4 * ROWS
    for number in range(KILLS):
        # Each has a part of the work of its own. What has begun goes on a little, into the midst of the next step.
        moment = all_steps * (number + chance.random()) / KILLS
        for progress in _watched(engine):
            if not progress.waiting or progress.steps >= moment:
                break
        time.sleep(chance.uniform(0, 0.05))
        name = chance.choice(["worker", "worker", "serve"])
        processes.kill(name)
        processes.start(name)


def _await_everything(processes, engine):
    """Until no import, mail or webhook waits. Leases of killed workers are cut short."""
    since = time.monotonic()
    seen = None
    for progress in _watched(engine):
        if not progress.waiting:
            return
        if progress != seen:
            seen, since = progress, time.monotonic()
        elif time.monotonic() - since > CUT_LEASES_AFTER_SECONDS:
            processes.end("worker")
            with engine.begin() as connection:
                for cut in _CUTS:
                    connection.execute(text(cut))
            processes.start("worker")
            seen = None
        time.sleep(0.2)


def _watched(engine):
    """How many things wait and how many steps are done (a row, its mail and its two webhooks are four), again and again."""
    counts = text(
        "SELECT (SELECT COUNT(*) FROM imports WHERE state IN ('queued', 'running'))"
        " + (SELECT COUNT(*) FROM emails WHERE state = 'queued')"
        " + (SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'pending') AS waiting,"
        " (SELECT SUM(done) FROM imports) + (SELECT COUNT(*) FROM emails WHERE state <> 'queued')"
        " + (SELECT COUNT(*) FROM webhook_deliveries WHERE state <> 'pending') AS steps"
    )
    seen, since = None, time.monotonic()
    while True:
        with engine.connect() as connection:
            progress = connection.execute(counts).one()
        if progress != seen:
            seen, since = progress, time.monotonic()
        assert time.monotonic() - since < STILL_SECONDS_MAX, f"{progress.waiting} still wait, and nothing happens"
        yield progress
        time.sleep(0.02)
