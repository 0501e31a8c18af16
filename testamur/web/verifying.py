"""What verifying a badge needs around the engine, as the page and the command do it: the badge out of what was given,
and documents of issuers from other servers.
"""

import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from testamur.errors import Invalid
from testamur.openbadges.baking import NothingBaked, Unreadable, unbake
from testamur.openbadges.resolving import Gone, Unreachable
from testamur.outgoing.fetching import AnsweredGone, FetchFailed, fetch
from testamur.rendering.qr_reading import read_qr

FILE_BYTES_MAX = 5_000_000
FETCHED_BYTES_MAX = 1024 * 1024
FETCH_SECONDS = 5
# All fetches for one badge together.
FETCHES_SECONDS = 20
_ACCEPT = (
    "application/vc+ld+json, application/vc, application/did+json, application/ld+json, application/json;q=0.9, "
    "application/vc+jwt;q=0.8, text/plain;q=0.5, image/png;q=0.3, image/svg+xml;q=0.3"
)
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def badge_in(content: bytes) -> bytes | str:
    """What of a file is to be verified: the file, or the address in the QR code of a picture without a badge.

    Raises Invalid for a picture in which there is neither.
    """
    if not content.startswith(_PICTURES):
        return content
    if content.startswith(b"\x89PNG"):
        try:
            unbake(content)
        except NothingBaked:
            pass
        except Unreadable:
            # A badge that is broken is told as such, whatever a code beside it leads to.
            return content
        else:
            return content
    text = (read_qr(content) or "").strip()
    if not text:
        raise Invalid("There is neither a badge in this picture nor one QR code that can be read")
    if not text.startswith(("https://", "http://")):
        raise Invalid("The QR code in this picture does not hold an address of the web")
    return text


def fetch_documents(*, allow_private: bool) -> Callable[[str], bytes]:
    """A function that gets what other servers have at an address, for one verification.

    No redirect is followed; all of it has a limit of time. It raises Unreachable, and Gone of 410.
    """
    end = time.monotonic() + FETCHES_SECONDS

    def fetched(url: str) -> bytes:
        seconds = min(FETCH_SECONDS, end - time.monotonic())
        if seconds <= 0:
            raise Unreachable("the time for this badge is used up")
        try:
            return fetch(
                _address(url, allow_private=allow_private),
                accept=_ACCEPT,
                bytes_max=FETCHED_BYTES_MAX,
                seconds=seconds,
                allow_private=allow_private,
                redirects_max=0,
            )
        except AnsweredGone as gone:
            raise Gone(gone.content) from None
        except FetchFailed as error:
            raise Unreachable(str(error)) from None

    return fetched


def _address(url: str, *, allow_private: bool) -> str:
    """A did:web of this very machine is asked without TLS, which nobody has there, where private networks are allowed.

    Raises Unreachable.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Unreachable("the address cannot be used") from None
    if allow_private and parts.scheme == "https" and parts.hostname in _THIS_MACHINE:
        return urlunsplit(("http", *parts[1:]))
    return url
