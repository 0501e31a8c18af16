"""Documents that programs anywhere read: in which form, who may, and how long they may be kept."""

from collections.abc import Sequence
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

_RANGES_MAX = 50


def document(
    request: Request, content: bytes, media_type: str, *, seconds: int = 0, is_negotiated: bool = False
) -> Response:
    """A document for everybody, from whatever page it is asked for; a copy of that age need not be checked again.

    It is told as not modified if the request has it already. `is_negotiated` says that another Accept header may get
    another form.
    """
    etag = f'"{sha256(media_type.encode() + content).hexdigest()[:32]}"'
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": f"public, max-age={seconds}" if seconds else "no-cache",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        **({"Vary": "Accept"} if is_negotiated else {}),
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def preferred(accept: str, offered: Sequence[str]) -> str:
    """Of the media types offered, the one that an Accept header likes best (RFC 9110, section 12.5.1).

    Of those it likes alike it is the first, and so it is if it likes none: a document in another form helps more than a
    refusal.
    """
    ranges = dict(_range(part) for part in accept.lower().split(",")[:_RANGES_MAX] if part.strip())
    return max(offered, key=lambda media_type: _quality(media_type, ranges))


def _range(part: str) -> tuple[str, float]:
    """`text/*;q=0.5` as (`text/*`, 0.5); what cannot be read counts as not liked."""
    name, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    for name in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
