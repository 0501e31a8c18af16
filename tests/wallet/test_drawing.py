"""Files whose drawing is waited for, refused or lost with the process that draws."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from databases import on_one_database

from testamur.rendering.workers import RenderingPool


@pytest.fixture
def rendering_pool():
    """One of the test's own, whose process may be stopped and whose counters begin at nought."""
    with RenderingPool(processes=1, queue=100, seconds=60, memory_mib=1024) as pool:
        yield pool


def counters(platform):
    return platform.renderers.pool.counters()


def test_two_who_ask_at_once_for_a_new_file_have_it_made_once(client, platform, path):
    client.get(f"{path}.png?width=200")
    (pid,) = platform.renderers.pool.pids()
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(4) as threads:
        try:
            waiting = [threads.submit(client.get, f"{path}.png?width=400") for _ in range(4)]
            time.sleep(0.5)
        finally:
            os.kill(pid, signal.SIGCONT)
        answers = {future.result().content for future in waiting}
    assert len(answers) == 1
    assert counters(platform).rendered == 2


@on_one_database
def test_more_than_may_wait_is_told_to_come_again(client, platform, path):
    platform.renderers.pool.queue = 1
    client.get(f"{path}.png?width=200")
    (pid,) = platform.renderers.pool.pids()
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(2) as threads:
        try:
            first = threads.submit(client.get, f"{path}.png?width=400")
            time.sleep(0.5)
            second = threads.submit(client.get, f"{path}.png?width=600")
            ends = time.monotonic() + 20
            while "testamur_rendering_waiting 1" not in client.get("/metrics").text:
                assert time.monotonic() < ends
            refused = client.get(f"{path}.png?width=800")
            assert client.get(f"{path}.png?width=200").status_code == 200
        finally:
            os.kill(pid, signal.SIGCONT)
        assert first.result().status_code == second.result().status_code == 200
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert "text/html" in refused.headers["content-type"]
    assert client.get(f"{path}.png?width=800").status_code == 200


@on_one_database
def test_a_crash_of_the_worker_ends_neither_the_server_nor_the_request(client, platform, path):
    client.get(f"{path}.png?width=200")
    (pid,) = platform.renderers.pool.pids()
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.get, f"{path}.png?width=400")
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
        assert waiting.result().status_code == 200
    assert counters(platform).crashed == 1
    assert client.get("/healthz").status_code == 200


@on_one_database
def test_the_metrics_tell_of_the_pool_and_of_no_workspace(client, path, tenant):
    client.get(f"{path}.png")
    text = client.get("/metrics").text
    assert "testamur_rendering_rendered_total 1\n" in text
    assert "testamur_rendering_waiting 0\n" in text
    assert tenant.workspace.id not in text
