"""Signing in another process, beside an import that writes rows.

Both take about the same time, and Python runs one thread at a time: so only another process can use another core.
"""

import contextlib
import gc
import pickle
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Self

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from testamur.child_processes import Channel, environment_of_child, processors
from testamur.credentials.signing import Frame, Signed, Statement, signed_documents
from testamur.openbadges.data_integrity import ProofKey, Signer

# Fewer are signed before another process has taken them up.
FROM = 100
SECONDS_MAX = 30.0
_END_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class SigningProcess:
    """Signs a share of what it is given while its user does something else. For one thread.

    The process is started when it is first needed, and never on a single core; until it is ready, and after it was lost,
    it takes nothing. The share moves until both sides are done at the same time.
    """

    def __init__(self, *, cores: int | None = None) -> None:
        self._is_wanted = (cores or processors()) > 1
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._share = 0.5
        # How many statements it is at work on, out of how many, and since when.
        self._at_work: tuple[int, int, float] | None = None

    @property
    def pid(self) -> int | None:
        """None while there is no process."""
        return self._process.pid if self._process else None

    def take(self, statements: Sequence[Statement], frame: Frame, signer: Signer) -> int:
        """How many of the statements, from the first, it signs; it must then be asked for them. 0 if none."""
        if self._at_work:
            # Whoever wanted that has failed on the way: its answer must not be taken for another.
            self._give_up("not asked for its work")
        if not self._is_wanted or len(statements) < FROM or not self._can_take():
            return 0
        count = max(1, round(self._share * len(statements)))
        key = signer.key
        order = _Order(
            key.verification_method,
            key.private_key.private_bytes_raw(),
            pickle.dumps(frame, pickle.HIGHEST_PROTOCOL),
            statements[:count],
        )
        try:
            self._channel.send(msgspec.msgpack.encode(order), ends=time.monotonic() + SECONDS_MAX)
        except OSError as error:
            self._give_up(repr(error))
            return 0
        self._at_work = (count, len(statements), time.monotonic())
        return count

    def signed(self) -> list[Signed] | None:
        """The documents of the statements that it took; None if they must be signed here."""
        assert self._at_work
        count, of, began = self._at_work
        given = time.monotonic() - began
        try:
            content = self._channel.receive(ends=time.monotonic() + SECONDS_MAX)
            seconds, documents = msgspec.msgpack.decode(content, type=tuple[float, list[Signed] | None])
        except (EOFError, OSError, msgspec.DecodeError) as error:
            self._give_up(repr(error))
            return None
        self._at_work = None
        if documents is None or len(documents) != count:
            return None
        # What it was late by is shared between both; each statement takes about as long on either side.
        late = (seconds - given) / 2 / (seconds / count)
        self._share = min(max(self._share - late / of, 0.05), 1.0)
        return documents

    def close(self) -> None:
        """End the process, whatever it is about."""
        if self._process is not None:
            self._channel.close()
            self._process.kill()
            self._process.wait()
            self._process = None
        self._is_ready = False
        self._at_work = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _can_take(self) -> bool:
        try:
            if self._process is None:
                self._start()
            elif not self._is_ready and wait([self._ours], 0):
                self._channel.receive(ends=time.monotonic() + _END_SECONDS)
                self._is_ready = True
        except (EOFError, OSError) as error:
            self._give_up(repr(error))
        return self._is_ready

    def _start(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._channel = Channel(self._ours)
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - every part of the command is ours.
                    [sys.executable, "-P", "-m", "testamur.credentials.signing_process", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=environment_of_child(),
                    # Ctrl-C reaches the server's group of processes.
                    process_group=0,
                )
            except OSError:
                self._channel.close()
                raise

    def _give_up(self, reason: str) -> None:
        _log.warning("signing_process_lost", reason=reason)
        self.close()
        self._is_wanted = False


class _Order(msgspec.Struct, frozen=True):
    """What is to be signed. The frame is pickled, since it may hold anything; the many statements are written faster."""

    verification_method: str
    private_key: bytes
    frame: bytes
    statements: Sequence[Statement]


def main(arguments: Sequence[str]) -> None:
    """Answer one order after the other, until the other side of the socket is closed, as the system does at its end."""
    # A key and people's names are in its memory: they must not lie about on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel = Channel(socket.socket(fileno=int(arguments[0])))
    # Documents are freed without it, and to look through them all again and again takes time.
    gc.freeze()
    gc.disable()
    with contextlib.suppress(EOFError, OSError):
        channel.send(b"ready")
        while True:
            channel.send(msgspec.msgpack.encode(_answer(channel.receive())))
            gc.collect()


def _answer(message: bytearray) -> tuple[float, list[Signed] | None]:
    """The seconds that it took, and the documents; None if they cannot be signed, which the other side tells better."""
    began = time.monotonic()
    try:
        order = _DECODER.decode(message)
        frame: Frame = pickle.loads(order.frame)  # noqa: S301 - from the process that started this one.
        documents = signed_documents(order.statements, frame, _signer(order.verification_method, order.private_key))
    except Exception:  # noqa: BLE001 - whatever it is.
        return time.monotonic() - began, None
    return time.monotonic() - began, documents


_DECODER = msgspec.msgpack.Decoder(_Order)
_signers: dict[tuple[str, bytes], Signer] = {}


def _signer(method: str, private: bytes) -> Signer:
    """The last is kept, with the hashes that it has made."""
    if (method, private) not in _signers:
        _signers.clear()
        key = ProofKey(verification_method=method, private_key=Ed25519PrivateKey.from_private_bytes(private))
        _signers[method, private] = Signer(key)
    return _signers[method, private]


if __name__ == "__main__":
    main(sys.argv[1:])
