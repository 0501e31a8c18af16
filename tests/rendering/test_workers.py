"""Worker processes: what they draw is what the renderer draws, and whatever ends them ends nothing else."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil
import pytest

from testamur.designs.starters import read_starter
from testamur.errors import Invalid, Unavailable
from testamur.rendering.document import to_json
from testamur.rendering.renderer import Renderer, RenderingFailed
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.worker import RENDERERS_MAX, Definition
from testamur.rendering.workers import BAD_JOBS_MAX, RenderingPool

AT = datetime(2026, 11, 24, tzinfo=UTC)
# Long enough for a loaded machine to do a job that takes no time.
SECONDS = 20


@contextmanager
def opened(*, maker="misbehaving:make", **options):
    limits = {"processes": 1, "queue": 100, "seconds": SECONDS, "memory_mib": 1024}
    pool = RenderingPool(maker=maker, **{**limits, **options})
    try:
        yield pool
    finally:
        pool.close()


@pytest.fixture(autouse=True)
def misbehaving_can_be_imported(monkeypatch):
    """Workers import from where the process that starts them does."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def until(condition, seconds=SECONDS):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_bytes_are_those_of_the_renderer_in_this_process():
    document = read_starter("certificate").document
    definition = Definition(document=to_json(document).decode(), pictures={})
    own = Renderer(document, definition)
    with RenderingPool(processes=2, queue=10, seconds=SECONDS, memory_mib=1024) as pool:
        pooled = pool.renderer("certificate", lambda: definition)
        assert pooled.pdf(SAMPLE_VALUES, title="A", at=AT) == own.pdf(SAMPLE_VALUES, title="A", at=AT)
        assert pooled.png(SAMPLE_VALUES, width_px=300) == own.png(SAMPLE_VALUES, width_px=300)
        assert pooled.raster(SAMPLE_VALUES, width_px=300, format_="png") == own.png(SAMPLE_VALUES, width_px=300)
        assert pooled.tags == own.tags
        assert pooled.height_px(300) == own.height_px(300)
        with pytest.raises(ValueError, match="width_px must be"):
            pooled.png(SAMPLE_VALUES, width_px=0)


def test_a_definition_is_asked_for_once_and_again_when_the_worker_has_forgotten_it():
    asked = []

    def define(name):
        asked.append(name)
        return name

    with opened() as pool:
        renderers = {name: pool.renderer(name, partial(define, name)) for name in map(str, range(RENDERERS_MAX + 1))}
        for _ in range(3):
            assert renderers["0"].say("hello") == b"0: hello"
        assert asked == ["0"]
        for renderer in renderers.values():
            renderer.say("hello")
        renderers["0"].say("again")
    assert asked == [*renderers, "0"]


def test_what_defining_raises_is_raised_and_the_worker_stays():
    def missing():
        raise FileNotFoundError("no such picture")

    with opened() as pool:
        pid = pool.renderer("a", lambda: "a").pid()
        with pytest.raises(FileNotFoundError, match="no such picture"):
            pool.renderer("b", missing).say("x")
        assert pool.renderer("a", lambda: "a").pid() == pid


def test_a_fault_of_the_design_comes_back_with_its_place():
    with opened() as pool:
        renderer = pool.renderer("a", lambda: "a")
        with pytest.raises(Invalid) as caught:
            renderer.refuse()
        assert caught.value.problems[0].path == ("page", "width")
        with pytest.raises(RenderingFailed, match="only here"):
            renderer.raise_what_cannot_be_sent()
        with pytest.raises(AttributeError):
            renderer.no_such_method()
        assert len(pool.pids()) == 1
        assert pool.counters().crashed == 0


def test_a_crash_is_tried_again_once_on_a_fresh_process(tmp_path):
    with opened() as pool:
        renderer = pool.renderer("a", lambda: "a")
        before = renderer.pid()
        assert renderer.crash_once(str(tmp_path / "trace")) == b"done"
        assert renderer.pid() != before
        assert pool.counters().crashed == 1
        assert pool.counters().failed == 0


def test_a_job_that_crashes_twice_fails_for_good_and_others_go_on():
    with opened() as pool:
        bad, good = pool.renderer("bad", lambda: "bad"), pool.renderer("good", lambda: "good")
        with pytest.raises(RenderingFailed):
            bad.crash()
        assert pool.counters().crashed == 2
        # The job is known by now and starts no process.
        with pytest.raises(Unavailable) as caught:
            bad.crash()
        assert 1 <= caught.value.retry_after_seconds <= 300
        assert pool.counters().crashed == 2
        assert bad.say("still") == b"bad: still"
        assert good.say("hello") == b"good: hello"


def test_a_design_with_several_bad_jobs_is_left_alone(tmp_path):
    with opened(seconds=1.5) as pool:
        bad = pool.renderer("bad", lambda: "bad")
        for number in range(BAD_JOBS_MAX):
            assert bad.say("hello") == b"bad: hello"
            with pytest.raises(RenderingFailed):
                bad.hang(str(tmp_path / "trace"), 60.0 + number)
        with pytest.raises(Unavailable):
            bad.say("hello")
        assert pool.renderer("good", lambda: "good").say("hello") == b"good: hello"


def test_a_job_that_hangs_is_ended_and_not_tried_again(tmp_path):
    trace = tmp_path / "trace"
    with opened(seconds=2) as pool:
        renderer = pool.renderer("a", lambda: "a")
        before = renderer.pid()
        with pytest.raises(RenderingFailed, match="too long"):
            renderer.hang(str(trace))
        until(lambda: not is_running(before))
        assert renderer.say("hello") == b"a: hello"
        assert pool.counters().killed == 1
    assert trace.read_text() == "x"


def test_a_process_that_stands_still_is_ended():
    with opened(seconds=2) as pool:
        renderer = pool.renderer("a", lambda: "a")
        before = renderer.pid()
        os.kill(before, signal.SIGSTOP)
        with pytest.raises(RenderingFailed):
            renderer.say("hello")
        assert not is_running(before)
        assert renderer.say("hello again") == b"a: hello again"


def test_a_process_killed_while_idle_is_not_counted_against_the_next_job():
    with opened(processes=2) as pool:
        renderer = pool.renderer("a", lambda: "a")
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: renderer.say("x", seconds=0.3), range(2)))
        pids = pool.pids()
        assert len(pids) == 2
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(is_running(pid) for pid in pids))
        assert renderer.say("hello") == b"a: hello"
        assert pool.counters().crashed == 2


def test_memory_is_limited():
    with opened(memory_mib=256) as pool:
        renderer = pool.renderer("a", lambda: "a")
        assert renderer.take_memory(50) == 50 * 1024 * 1024
        with pytest.raises(RenderingFailed):
            renderer.take_memory(400)
        assert renderer.say("hello") == b"a: hello"


def test_typst_itself_ends_at_the_limit_and_nothing_else_does():
    document = read_starter("certificate").document
    definition = Definition(document=to_json(document).decode(), pictures={})
    with RenderingPool(processes=1, queue=10, seconds=SECONDS, memory_mib=160) as pool:
        renderer = pool.renderer("a", lambda: definition)
        assert renderer.pdf(SAMPLE_VALUES, title="A", at=AT).startswith(b"%PDF")
        with pytest.raises(RenderingFailed):
            renderer.png(SAMPLE_VALUES, width_px=5000)
        assert renderer.png(SAMPLE_VALUES, width_px=300).startswith(b"\x89PNG")


def test_more_than_may_wait_is_refused_at_once_and_told_when_to_come_again():
    with opened(queue=1) as pool, ThreadPoolExecutor(2) as threads:
        renderer = pool.renderer("a", lambda: "a")
        pid = renderer.pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            waiting = [threads.submit(renderer.say, str(number)) for number in range(2)]
            until(lambda: pool.counters().waiting == 1)
            began = time.monotonic()
            with pytest.raises(Unavailable) as caught:
                renderer.say("one too many")
            assert time.monotonic() - began < 5
            assert caught.value.retry_after_seconds >= 1
            assert pool.counters().refused == 1
        finally:
            os.kill(pid, signal.SIGCONT)
        assert {future.result() for future in waiting} == {b"a: 0", b"a: 1"}


def test_map_keeps_the_order_uses_every_process_and_looks_ahead_a_little():
    taken = []

    def jobs(renderer):
        for number in range(40):
            taken.append(number)
            # The earlier ones take longer, so they end out of order.
            yield partial(renderer.say, str(number), seconds=0.02 if number % 4 == 0 else 0.0)

    with opened(processes=2, queue=1) as pool:
        renderer = pool.renderer("a", lambda: "a")
        results = pool.map(jobs(renderer))
        assert next(results) == b"a: 0"
        assert len(taken) < 20
        assert [b"a: 0", *results] == [f"a: {number}".encode() for number in range(40)]
        assert len(pool.pids()) == 2
        assert pool.counters().refused == 0


def test_map_that_is_given_up_ends_its_threads():
    with opened() as pool:
        renderer = pool.renderer("a", lambda: "a")
        results = pool.map(partial(renderer.say, str(number)) for number in range(1000))
        next(results)
        results.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("rendering")]
        assert pool.counters().rendered < 50


def test_an_answer_cannot_run_anything_here(capfd):
    with opened() as pool:
        renderer = pool.renderer("a", lambda: "a")
        with pytest.raises(RenderingFailed):
            renderer.give_what_must_not_be_taken()
    assert "taken over" not in "".join(capfd.readouterr())


def test_workers_are_given_no_settings(monkeypatch):
    monkeypatch.setenv("TESTAMUR_MASTER_KEY", "secret")
    with opened() as pool:
        environment = pool.renderer("a", lambda: "a").environment()
    assert "PATH" in environment
    assert [name for name in environment if name.startswith("TESTAMUR_")] == []


def test_a_worker_that_does_not_start_is_told_as_unavailable():
    with opened(maker="misbehaving:no_such_function") as pool:
        for _ in range(2):
            with pytest.raises(Unavailable):
                pool.renderer("a", lambda: "a").say("hello")
        assert pool.pids() == []
        assert pool.counters().processes == 0


def test_closing_finishes_what_is_drawn_and_refuses_what_comes_later():
    with opened(processes=2) as pool, ThreadPoolExecutor(1) as threads:
        renderer = pool.renderer("a", lambda: "a")
        running = threads.submit(renderer.say, "hello", seconds=1.0)
        until(lambda: pool.pids() and pool.counters().waiting == 0)
        time.sleep(0.3)
        pids = pool.pids()
        pool.close()
        assert running.result() == b"a: hello"
        assert not any(is_running(pid) for pid in pids)
        with pytest.raises(Unavailable):
            renderer.say("too late")
    assert pool.pids() == []


def test_workers_and_their_files_vanish_with_the_process_that_started_them(tmp_path):
    program = """
        import sys, threading, time
        from testamur.rendering.workers import RenderingPool

        pool = RenderingPool(processes=2, queue=9, seconds=60, memory_mib=512, maker="misbehaving:make")
        renderer = pool.renderer("a", lambda: "a")
        busy = threading.Thread(target=renderer.say, args=("x",), kwargs={"seconds": 60}, daemon=True)
        busy.start()
        while not pool.pids():
            time.sleep(0.01)
        renderer.say("x")
        print(*pool.pids(), flush=True)
        time.sleep(60)
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(is_running(pid) for pid in pids)
        parent.kill()
    until(lambda: not any(is_running(pid) for pid in pids))
    until(lambda: list(tmp_path.glob("testamur-*")) == [])


def test_a_worker_ignores_the_signals_that_end_the_server():
    with opened() as pool:
        renderer = pool.renderer("a", lambda: "a")
        pid = renderer.pid()
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        assert renderer.pid() == pid


def test_many_threads_and_crashes_at_once_lose_nothing(tmp_path):
    with opened(processes=3) as pool, ThreadPoolExecutor(8) as threads:
        renderers = [pool.renderer(str(key), lambda key=key: str(key)) for key in range(4)]

        def work(number):
            if number % 20 == 10:
                return renderers[number % 4].crash_once(str(tmp_path / str(number)))
            return renderers[number % 4].say(str(number))

        results = list(threads.map(work, range(100)))
    expected = [b"done" if number % 20 == 10 else f"{number % 4}: {number}".encode() for number in range(100)]
    assert results == expected
    assert pool.counters().crashed == 5
