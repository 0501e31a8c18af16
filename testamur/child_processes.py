"""What processes share that are started as children and spoken to over a socket."""

import os
import socket
import struct
import sys
import time
from pathlib import Path

_LENGTH = struct.Struct("!Q")


def processors() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment_of_child() -> dict[str, str]:
    """No secret of the server, and the same places to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TESTAMUR_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


class Channel:
    """Whole messages over a socket, each way in turn, within a time."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def send(self, message: bytes, *, ends: float | None = None) -> None:
        """Raises TimeoutError after `ends` (as time.monotonic counts), OSError if the other side is gone."""
        self._socket.settimeout(_left(ends))
        self._socket.sendall(_LENGTH.pack(len(message)))
        self._socket.settimeout(_left(ends))
        self._socket.sendall(message)

    def receive(self, *, ends: float | None = None) -> bytearray:
        """Raises TimeoutError after `ends`, EOFError or OSError if the other side is gone."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, ends))
        return self._read(length, ends)

    def close(self) -> None:
        self._socket.close()

    def _read(self, length: int, ends: float | None) -> bytearray:
        content = bytearray(length)
        rest = memoryview(content)
        while rest:
            self._socket.settimeout(_left(ends))
            count = self._socket.recv_into(rest)
            if not count:
                raise EOFError
            rest = rest[count:]
        return content


def _left(ends: float | None) -> float | None:
    # Nought would mean not to wait at all, which raises another error.
    return None if ends is None else max(ends - time.monotonic(), 0.001)
