"""Rendering in processes of their own, which may crash or hang without taking the server along."""

import io
import math
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import msgspec
import structlog

from testamur.child_processes import Channel, environment_of_child
from testamur.errors import Unavailable
from testamur.rendering.renderer import RenderingFailed
from testamur.rendering.worker import RENDERERS_MAX, Answer, Definition, Order

Result = TypeVar("Result")

START_SECONDS_MAX = 30.0
END_SECONDS_MAX = 5.0
# A job that ended its workers is not tried again for that long, and neither is a design with so many of them.
REST_SECONDS = 300.0
BAD_JOBS_MAX = 3
_RESTING_MAX = 1000

_log = structlog.get_logger(__name__)


class Counters(msgspec.Struct, kw_only=True):
    """What a pool has done since it was made, and how it stands."""

    rendered: int = 0
    # Jobs that ended in an exception, whatever the reason.
    failed: int = 0
    # Workers that the pool ended because a job took too long.
    killed: int = 0
    # Workers that ended by themselves.
    crashed: int = 0
    # Jobs that were turned away, because too many waited or they were known to end workers.
    refused: int = 0
    processes: int = 0
    waiting: int = 0
    # In which the jobs of `rendered` and `failed` were worked on.
    seconds: float = 0.0


class RenderingPool:
    """Worker processes, started when they are needed. Safe to use from many threads.

    `queue` is how many jobs may wait for a process, `seconds` what one job may take, `memory_mib` what one process may
    hold. `maker` names the function that makes a renderer from a definition.
    """

    def __init__(
        self,
        *,
        processes: int,
        queue: int,
        seconds: float,
        memory_mib: int,
        maker: str = "testamur.rendering.worker:make_renderer",
    ) -> None:
        self.processes = processes
        self.queue = queue
        self._start = partial(_Process, seconds=seconds, memory_mib=memory_mib, maker=maker)
        self._counters = Counters()
        self._changed = threading.Condition()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._is_closed = False
        self._resting: OrderedDict[str, _Resting] = OrderedDict()
        self._thread = threading.local()

    def renderer(self, key: str, definition: Callable[[], Definition]) -> "PooledRenderer":
        """The renderer of a key, which for ever stands for one definition. That is asked for only if it is needed."""
        return PooledRenderer(self, key, definition)

    def call(
        self,
        key: str,
        definition: Callable[[], Definition],
        method: str,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any],
    ) -> Any:
        """What the renderer's method returns or raises.

        Raises RenderingFailed if the job ends its worker (the second time, if the worker crashed) or takes too long;
        Unavailable if too many jobs wait, or if this one or others of its key have lately ended their workers.
        """
        order = Order(key=key, method=method, arguments=arguments, named=named)
        message = pickle.dumps(order, pickle.HIGHEST_PROTOCOL)
        job = sha256(message).hexdigest()
        for is_last in (False, True):
            process = self._take(key, job, is_fresh=is_last)
            began = time.monotonic()
            try:
                kind, value = process.ask(order, message, definition)
            except _Late:
                self._count(began, "killed", "failed")
                self._rest(key, job)
                _log.error("rendering_took_too_long", key=key, method=method)
                raise RenderingFailed("The drawing took too long and was stopped") from None
            except _Lost:
                self._count(began, "crashed", *(["failed"] if is_last else []))
                _log.error("rendering_process_lost", key=key, method=method, ended_by=process.end(), is_last=is_last)
                if is_last:
                    self._rest(key, job)
                    raise RenderingFailed("The drawing ended the process that worked on it") from None
                continue
            finally:
                self._give_back(process)
            self._count(began, "rendered" if kind == "made" else "failed")
            if kind == "raised":
                raise value
            return value
        raise AssertionError("The last attempt returns or raises")

    def map(self, jobs: Iterable[Callable[[], Result]]) -> Generator[Result]:
        """Call each of many, several at once, and give the results in order; jobs are taken as results are.

        What they draw through this pool waits its turn and is never refused.
        """
        # Twice as many threads as processes: while one prepares or stores something, another keeps a process busy.
        count = 2 * self.processes
        threads = ThreadPoolExecutor(count, "rendering", initializer=self._be_patient)
        ahead: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                ahead.append(threads.submit(job))
                if len(ahead) > 2 * count:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)

    def refusal(self, waiting: int) -> Unavailable:
        """What to raise if that many jobs wait already; it tells when it may be worth to come again."""
        with self._changed:
            self._counters.refused += 1
            done = self._counters.rendered + self._counters.failed
            each = self._counters.seconds / done if done else 1.0
        return Unavailable(
            "Too much is being drawn at once",
            retry_after_seconds=max(1, math.ceil((waiting + 1) * each / self.processes)),
        )

    def counters(self) -> Counters:
        with self._changed:
            return msgspec.structs.replace(self._counters)

    def pids(self) -> list[int]:
        """The worker processes there are now."""
        with self._changed:
            return [process.pid for process in [*self._idle, *self._busy]]

    def close(self) -> None:
        """End the processes, once they have drawn what they are about. Whatever is asked for later is refused."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
            counted = msgspec.structs.asdict(self._counters)
            for process in self._idle:
                process.hang_up()
            self._changed.wait_for(lambda: not self._busy, END_SECONDS_MAX)
            for process in self._busy:
                process.kill()  # The thread that uses it then finds it lost.
        for process in self._idle:
            process.end()
        if counted["processes"]:
            _log.info("rendering_closed", **counted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, key: str, job: str, *, is_fresh: bool) -> "_Process":
        """A process for this thread alone: one that knows the key, or any other; a new one if there is room for it."""
        with self._changed:
            self._check(key, job)
            if not self._is_free():
                if self._counters.waiting >= self.queue and not getattr(self._thread, "is_patient", False):
                    raise self.refusal(self._counters.waiting)
                self._counters.waiting += 1
                try:
                    self._changed.wait_for(lambda: self._is_closed or self._is_free())
                finally:
                    self._counters.waiting -= 1
                try:
                    self._check(key, job)
                except Unavailable:
                    self._changed.notify()  # What this thread was woken for is for another then.
                    raise
            has_room = self._counters.processes < self.processes
            if self._idle and not (is_fresh and has_room):
                process = next((found for found in self._idle if key in found.keys), self._idle[-1])
                self._idle.remove(process)
                self._busy.add(process)
                return process
            self._counters.processes += 1
        try:
            process = self._start()
        except BaseException:
            with self._changed:
                self._counters.processes -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._busy.add(process)
        return process

    def _is_free(self) -> bool:
        """Whether a process can be had; those that ended while nobody used them are forgotten first."""
        dead = [process for process in self._idle if not process.is_alive()]
        for process in dead:
            self._idle.remove(process)
            self._counters.processes -= 1
            self._counters.crashed += 1
            _log.error("rendering_process_lost", ended_by=process.end())
        return bool(self._idle) or self._counters.processes < self.processes

    def _give_back(self, process: "_Process") -> None:
        if not process.is_usable:
            process.end(at_once=True)
        with self._changed:
            self._busy.discard(process)
            if process.is_usable and not self._is_closed:
                self._idle.append(process)
            else:
                self._counters.processes -= 1
            self._changed.notify()
            is_over = self._is_closed and process.is_usable
        if is_over:
            process.end()

    def _count(self, began: float, *names: str) -> None:
        with self._changed:
            self._counters.seconds += time.monotonic() - began
            for name in names:
                setattr(self._counters, name, getattr(self._counters, name) + 1)

    def _be_patient(self) -> None:
        self._thread.is_patient = True

    def _check(self, key: str, job: str) -> None:
        """Raises Unavailable if the job is not to be tried now."""
        if self._is_closed:
            raise Unavailable("The server is about to stop")
        for name, bad_jobs_max in ((job, 1), (key, BAD_JOBS_MAX)):
            resting = self._resting.get(name)
            left = resting.until - time.monotonic() if resting else 0.0
            if resting and left > 0 and resting.bad_jobs >= bad_jobs_max:
                self._counters.refused += 1
                raise Unavailable(
                    "Drawing this has failed badly, so it is left alone for a while",
                    retry_after_seconds=math.ceil(left),
                )

    def _rest(self, key: str, job: str) -> None:
        now = time.monotonic()
        with self._changed:
            for name in (job, key):
                before = self._resting.pop(name, None)
                bad_jobs = before.bad_jobs if before and before.until > now else 0
                self._resting[name] = _Resting(bad_jobs + 1, now + REST_SECONDS)
            while len(self._resting) > _RESTING_MAX:
                self._resting.popitem(last=False)


class PooledRenderer:
    """A renderer that draws in the pool: it has the methods of `Renderer`, with the same arguments."""

    def __init__(self, pool: RenderingPool, key: str, definition: Callable[[], Definition]) -> None:
        self._pool = pool
        self._key = key
        self._definition = definition

    @property
    def tags(self) -> frozenset[str]:
        """Those of the attributes that the design shows."""
        return cast("frozenset[str]", self._pool.call(self._key, self._definition, "tags", (), {}))

    @property
    def picture_tags(self) -> frozenset[str]:
        """Those of the attributes that stand for a picture."""
        return cast("frozenset[str]", self._pool.call(self._key, self._definition, "picture_tags", (), {}))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self._call, name)

    def _call(self, method: str, *arguments: Any, **named: Any) -> Any:
        return self._pool.call(self._key, self._definition, method, arguments, named)


class _Resting(msgspec.Struct, frozen=True):
    bad_jobs: int
    until: float


class _Lost(Exception):
    """The process ended, or what it said made no sense."""


class _Late(Exception):
    """The process took too long."""


class _Process:
    """One worker, used by one thread at a time.

    Raises Unavailable, when made, if it does not start.
    """

    def __init__(self, *, seconds: float, memory_mib: int, maker: str) -> None:
        self._seconds = seconds
        # What it was asked about last; it may have forgotten some, and then says so.
        self.keys: OrderedDict[str, None] = OrderedDict()
        # Whether an answer is outstanding that would be taken for that to the next question.
        self.is_usable = True
        # Its temporary files lie here, so that they can be removed after it, however it ends.
        self._folder = tempfile.mkdtemp(prefix="testamur-rendering-")
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        words = Path(self._folder, "words.txt")
        given = (theirs.fileno(), seconds, memory_mib * 1024 * 1024, self._folder, maker)
        try:
            with theirs, words.open("wb") as output:
                self._process = subprocess.Popen(  # noqa: S603 - every part of the command is ours.
                    [sys.executable, "-P", "-m", "testamur.rendering", *map(str, given)],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    pass_fds=[theirs.fileno()],
                    # typst would start a thread for each processor in each worker; there is a worker for each already.
                    env={**environment_of_child(), "RAYON_NUM_THREADS": "1"},
                    # Ctrl-C reaches the server's group of processes.
                    process_group=0,
                )
        except OSError as error:
            self._channel.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise self._did_not_start(str(error)) from None
        try:
            self._channel.receive(ends=time.monotonic() + START_SECONDS_MAX)
        except (EOFError, OSError):
            said = words.read_text(encoding="utf-8", errors="replace")[-2000:]
            self.end(at_once=True)
            raise self._did_not_start(said) from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, order: Order, message: bytes, definition: Callable[[], Definition]) -> Answer:
        """Raises _Lost, _Late, and whatever `definition` raises."""
        answer = self._exchange(message)
        if answer[0] == "unknown":
            full = msgspec.structs.replace(order, definition=definition())
            answer = self._exchange(pickle.dumps(full, pickle.HIGHEST_PROTOCOL))
        self.keys[order.key] = None
        self.keys.move_to_end(order.key)
        if len(self.keys) > RENDERERS_MAX:
            self.keys.popitem(last=False)
        return answer

    def hang_up(self) -> None:
        """Tell it that it is not needed any more."""
        self._channel.close()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        self._process.kill()

    def end(self, *, at_once: bool = False) -> str:
        """Wait for its end, or bring it about; how it ended, for the log."""
        self.hang_up()
        if at_once:
            self.kill()
        try:
            status = self._process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            status = self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        return signal.Signals(-status).name if status < 0 else f"status {status}"

    def _exchange(self, message: bytes) -> Answer:
        self.is_usable = False
        ends = time.monotonic() + self._seconds
        try:
            self._channel.send(message, ends=ends)
            content = self._channel.receive(ends=ends)
        except TimeoutError:
            raise _Late from None
        except (EOFError, OSError):
            raise _Lost from None
        answer = _unpickled(content)
        self.is_usable = True
        return answer

    def _did_not_start(self, reason: str) -> Unavailable:
        _log.error("rendering_process_did_not_start", reason=reason)
        return Unavailable("Nothing can be drawn at the moment", retry_after_seconds=10)


def _unpickled(content: bytearray) -> Answer:
    """An answer. Should a picture ever take over a worker, its answers must not take over the server.

    Raises _Lost for what no worker says.
    """
    try:
        kind, value = _Unpickler(io.BytesIO(content)).load()
    except Exception as error:
        raise _Lost from error
    if kind not in {"made", "raised", "unknown"} or (kind == "raised") != isinstance(value, Exception):
        raise _Lost
    return kind, value


class _Unpickler(pickle.Unpickler):
    """Plain values, the engine's structs, and exceptions."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return getattr(import_module(module), name)
        if module == "builtins" or module.startswith(("testamur.rendering.", "testamur.errors")):
            found = getattr(import_module(module), name)
            if isinstance(found, type) and found.__module__ == module and issubclass(found, _KINDS):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not expected in an answer")


_PLAIN = {("builtins", "set"), ("builtins", "frozenset"), ("testamur.errors", "Problem"), ("msgspec._utils", "rebuild")}
_KINDS = (Exception, msgspec.Struct)
