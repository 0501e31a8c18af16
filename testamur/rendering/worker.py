"""A process that draws: `python -m testamur.rendering`, started and ended by `workers.RenderingPool` only.

It knows neither the database nor a secret. A design is told to it once, with everything that drawing it needs, and it
keeps the renderers that it used last.
"""

import contextlib
import gc
import os
import pickle
import resource
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Literal

from msgspec import Struct

from testamur.child_processes import Channel
from testamur.rendering.document import parse_document
from testamur.rendering.renderer import Font, Renderer, RenderingFailed

RENDERERS_MAX = 16
# Beyond the time limit of a job, after which the pool ends the process: it then ends by itself if the pool is gone.
GRACE_SECONDS = 5.0


class Definition(Struct, frozen=True, kw_only=True):
    """All that a renderer is made from: the design document as JSON, its pictures by their digests, uploaded fonts."""

    document: str
    pictures: Mapping[str, bytes]
    fonts: tuple[Font, ...] = ()

    def read(self, digest: str) -> bytes:
        """The picture of that digest. Raises FileNotFoundError."""
        try:
            return self.pictures[digest]
        except KeyError:
            raise FileNotFoundError(digest) from None


class Order(Struct, frozen=True, kw_only=True):
    """One call of a renderer's method. The definition comes along only once the worker has said that it lacks it."""

    key: str
    method: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    definition: Any = None


# What became of an order: the result, or the exception, or nothing because the key is unknown.
Answer = tuple[Literal["made", "raised", "unknown"], Any]


def make_renderer(definition: Definition) -> Renderer:
    """What a worker keeps for each key, unless the pool was told to have another function called."""
    return Renderer(parse_document(definition.document, fonts=None), definition, definition.fonts)


class Worker:
    """Answers one order after the other."""

    def __init__(self, channel: Channel, make: Callable[[Any], Any], *, seconds: float) -> None:
        self._channel = channel
        self._make = make
        self._seconds = seconds
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def work(self) -> None:
        """Until the pool closes its end."""
        # What was imported stays: the collector need not look at it again with every few drawings.
        gc.freeze()
        self._channel.send(b"ready")
        while True:
            try:
                message = self._channel.receive()
            except (EOFError, OSError):
                return
            # An alarm that nothing catches ends the process even if it hangs in a library that holds Python's lock.
            signal.setitimer(signal.ITIMER_REAL, self._seconds + GRACE_SECONDS)
            self._channel.send(_pickled(self._answer(pickle.loads(message))))  # noqa: S301 - the pool is ours.
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _answer(self, order: Order) -> Answer:
        try:
            renderer = self._renderer(order)
            if renderer is None:
                return "unknown", None
            found = getattr(renderer, order.method)
            return "made", found(*order.arguments, **order.named) if callable(found) else found
        except MemoryError:
            # What is left of this process is not worth keeping; the pool starts another.
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for the one who ordered.
            return "raised", error

    def _renderer(self, order: Order) -> Any:
        renderer = self._kept.get(order.key)
        if renderer is None:
            if order.definition is None:
                return None
            renderer = self._kept[order.key] = self._make(order.definition)
            while len(self._kept) > RENDERERS_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(order.key)
        return renderer


def _pickled(answer: Answer) -> bytes:
    try:
        return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - foreign exceptions may hold anything.
        failure = RenderingFailed(f"{type(answer[1]).__name__}: {answer[1]}"[:1000])
        return pickle.dumps(("raised", failure), pickle.HIGHEST_PROTOCOL)


def main(arguments: list[str]) -> None:
    number, seconds, memory_bytes, folder, maker = arguments
    # The pool alone says when it is over: Ctrl-C and a service manager's signal go to the server, which still
    # finishes its requests.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # What was crashed on is a person's certificate: it must not lie about on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The address space would be the wrong thing to limit: threads and fonts reserve much more of it than they use.
    limit = int(memory_bytes)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    tempfile.tempdir = folder
    threading.Thread(target=_end_with_the_pool, args=(folder,), daemon=True).start()
    module, _, name = maker.partition(":")
    make = getattr(import_module(module), name)
    channel = Channel(socket.socket(fileno=int(number)))
    with contextlib.suppress(OSError):  # The pool closed its end while an answer was on the way.
        Worker(channel, make, seconds=float(seconds)).work()
    # The thread that does this too, once the pool is gone, ends with this process, and may have been about it.
    shutil.rmtree(folder, ignore_errors=True)


def _end_with_the_pool(folder: str) -> None:
    """Standard input ends when the pool's process does, however it does; nothing is ever written to it."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
