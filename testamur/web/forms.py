"""Forms that a browser sends: only from our own pages, and small."""

from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from testamur.errors import Forbidden, Invalid, TooLarge

FORM_BYTES_MAX = 4000
_FIELDS_MAX = 20


async def read_form(request: Request, base_url: str, *, bytes_max: int = FORM_BYTES_MAX) -> dict[str, str]:
    """The fields of a form; of a field that is there twice, the last.

    Raises Forbidden if the form was not sent from a page of this server, TooLarge, Invalid if it is no form.
    """
    check_origin(request, base_url)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise TooLarge
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError:
        raise Invalid("The form cannot be read; open its page again and send it from there") from None


def check_origin(request: Request, base_url: str) -> None:
    """Browsers tell from which site a form comes, and no page of another site can tell otherwise. Raises Forbidden."""
    host = urlsplit(request.headers.get("origin", "")).netloc
    if not host or host not in {urlsplit(base_url).netloc, request.headers.get("host")}:
        raise Forbidden
