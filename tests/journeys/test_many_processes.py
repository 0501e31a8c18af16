"""Three servers and two workers on one PostgreSQL do what one process does."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager

import httpx2
import psycopg
import pytest
from command_line import call
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

# Some batches of mails, so that both workers have of them.
ROWS = 250


def free_ports(count):
    with ExitStack() as opened:
        probes = [opened.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def fresh_database(server):
    name = f"m{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running(commands, environment, log):
    processes = [
        subprocess.Popen([sys.executable, "-m", "testamur", *command], env=environment, stdout=log, stderr=log)
        for command in commands
    ]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()


def run_import(server, folder, *, servers, workers):
    """What an import gives with so many processes: outcomes by row, who was issued what, and mails by address."""
    with fresh_database(server) as url:
        ports = free_ports(servers)
        environment = {
            **os.environ,
            "TESTAMUR_DATA_DIR": str(folder),
            "TESTAMUR_DATABASE_URL": url,
            "TESTAMUR_RATE_LIMIT": "off",
        }
        made = json.loads(call(["bootstrap", "--json"], environment).stdout)
        commands = [["serve", "--port", str(port), *(["--no-worker"] if workers else [])] for port in ports]
        commands += [["worker", "--name", f"w{number}"] for number in range(workers)]
        headers = {"Authorization": f"Bearer {made['token']}", "Certifier-Version": "2022-10-26"}
        with (folder / "log").open("w") as log, running(commands, environment, log), ExitStack() as opened:
            clients = [
                opened.enter_context(httpx2.Client(base_url=f"http://127.0.0.1:{port}/v1", headers=headers, timeout=30))
                for port in ports
            ]
            for client in clients:
                await_server(client)
            body = {"name": "Financial Markets", "designIds": [made["designs"][0]["id"]]}
            group = clients[0].post("/groups", json=body).json()
            sheet = "name,email\n" + "".join(
                f"Recipient {n},{'not an address' if n % 100 == 7 else f'r{n}@example.com'}\n" for n in range(ROWS)
            )
            query = {"groupId": group["id"], "action": "send", "start": "true"}
            import_id = clients[-1].post("/imports", params=query, content=sheet.encode()).json()["id"]
            ends = time.monotonic() + 180
            engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
            while True:
                states = {client.get(f"/imports/{import_id}").json()["state"] for client in clients}
                with engine.connect() as connection:
                    waiting = connection.execute(
                        text("SELECT COUNT(*) FROM emails WHERE state = 'queued'")
                    ).scalar_one()
                if states == {"completed"} and not waiting:
                    break
                assert time.monotonic() < ends, states
                time.sleep(0.2)
            results = list(csv.DictReader(io.StringIO(clients[0].get(f"/imports/{import_id}/results").text)))
            with engine.connect() as connection:
                issued = connection.execute(
                    text("SELECT recipient_name, recipient_email, state, delivery_state FROM credentials ORDER BY 1")
                ).all()
            engine.dispose()
        mails = len(list((folder / "mails").glob("*.eml")))
        return [(row["row"], row["outcome"], row["error"]) for row in results], issued, mails


def await_server(client):
    ends = time.monotonic() + 90
    while True:
        try:
            assert client.get("/me").status_code == 200
        except httpx2.HTTPError:
            assert time.monotonic() < ends
            time.sleep(0.1)
        else:
            return


@pytest.mark.timeout(600)
def test_many_processes_give_what_one_gives(postgres_server, tmp_path):
    outcomes = []
    for name, servers, workers in (("one", 1, 0), ("many", 3, 2)):
        folder = tmp_path / name
        folder.mkdir()
        outcomes.append(run_import(postgres_server, folder, servers=servers, workers=workers))
    assert outcomes[0] == outcomes[1]
    rows, issued, mails = outcomes[1]
    assert len(rows) == ROWS
    assert len(issued) == mails == ROWS - 3
