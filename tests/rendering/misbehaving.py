"""Renderers that break their worker on demand: the pool of a test is told to make these instead."""

import os
import signal
import time
from pathlib import Path

from testamur.errors import Invalid


class Misbehaving:
    def __init__(self, name):
        self.name = name
        self.tags = frozenset({name})

    def pid(self):
        return os.getpid()

    def say(self, text, *, seconds=0.0):
        time.sleep(seconds)
        return f"{self.name}: {text}".encode()

    def crash(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def crash_once(self, trace):
        """Dies the first time, and then leaves word that it did."""
        if not Path(trace).exists():
            Path(trace).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return b"done"

    def hang(self, trace, seconds=60.0):
        with Path(trace).open("a", encoding="utf-8") as file:
            file.write("x")
        time.sleep(seconds)

    def take_memory(self, mib):
        return len(bytearray(mib * 1024 * 1024))

    def refuse(self):
        raise Invalid("The page is too wide", ("page", "width"))

    def raise_what_cannot_be_sent(self):
        class Local(Exception):
            pass

        raise Local("only here")

    def give_what_must_not_be_taken(self):
        return _Sent()

    def environment(self):
        return dict(os.environ)


class _Sent:
    """Run by whoever unpickles it without looking."""

    def __reduce__(self):
        return os.system, ("echo taken over >&2",)


def make(definition):
    return Misbehaving(definition)
