"""Fetching what somebody named by its address, without trusting the address or what answers there."""

from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import anyio
import httpcore2

from testamur import __version__
from testamur.outgoing.addresses import ForbiddenAddress, PublicNetwork

REDIRECTS_MAX = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchFailed(Exception):
    """Why nothing was fetched, in words. `is_final`: the same request would fail again."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class AnsweredGone(FetchFailed):
    """The server says that what was there was taken away for good (410). `content` is what it sent beside."""

    def __init__(self, content: bytes) -> None:
        super().__init__("the server answered 410", is_final=True)
        self.content = content


def fetch(
    url: str, *, accept: str, bytes_max: int, seconds: float, allow_private: bool, redirects_max: int = REDIRECTS_MAX
) -> bytes:
    """The content at an https address, within that time and of at most that size, redirects included.

    Private networks are refused, also where a redirect leads; `allow_private` allows them, and http. Nothing of ours is
    sent along: no cookie, no token. Call it from a thread that may wait. Raises FetchFailed, and AnsweredGone.
    """
    return anyio.run(_fetch_in_time, url, accept, bytes_max, seconds, allow_private, redirects_max)


async def _fetch_in_time(  # noqa: PLR0917 - anyio.run passes no names.
    url: str, accept: str, bytes_max: int, seconds: float, allow_private: bool, redirects_max: int
) -> bytes:
    try:
        with anyio.fail_after(seconds):
            return await _fetch(url, accept, bytes_max, redirects_max, allow_private=allow_private)
    except FetchFailed:
        raise
    except ForbiddenAddress:
        raise FetchFailed("it leads to a private network", is_final=True) from None
    except TimeoutError:
        raise FetchFailed(f"it was not there within {seconds:g} seconds") from None
    except (httpcore2.ConnectError, OSError):
        # The words of the system would tell of our network and not of theirs.
        raise FetchFailed("no connection could be made") from None
    except Exception:  # noqa: BLE001 - whatever a server does is its failure and not ours.
        raise FetchFailed("the server broke the connection, or did not answer in HTTP") from None


async def _fetch(url: str, accept: str, bytes_max: int, redirects_max: int, *, allow_private: bool) -> bytes:
    network = PublicNetwork(allow_private=allow_private)
    async with httpcore2.AsyncConnectionPool(network_backend=network, max_connections=1) as pool:
        for _ in range(redirects_max + 1):
            target, host = _checked(url, allow_private=allow_private)
            headers = {
                "Host": host,
                "User-Agent": f"Testamur/{__version__}",
                "Accept": accept,
                "Accept-Encoding": "identity",
                "Connection": "close",
            }
            sent = [(name.encode(), value.encode()) for name, value in headers.items()]
            async with pool.stream("GET", target, headers=sent) as response:
                if response.status in _REDIRECTS:
                    location = dict(_lower(response.headers)).get("location", "")
                    url = urljoin(url, location)
                    continue
                if response.status == 410:
                    raise AnsweredGone(await _read(response, bytes_max))
                if response.status != 200:
                    raise FetchFailed(f"the server answered {response.status}")
                return await _read(response, bytes_max)
    if not redirects_max:
        raise FetchFailed("it is redirected, which is not followed here", is_final=True)
    raise FetchFailed(f"it is redirected more than {redirects_max} times")


async def _read(response: httpcore2.Response, bytes_max: int) -> bytes:
    """The body. What is announced is not believed, but what is announced as too much is not begun."""
    announced = dict(_lower(response.headers)).get("content-length", "")
    content = bytearray()
    if not (announced.isdecimal() and len(announced) < 20 and int(announced) > bytes_max):
        async for part in response.aiter_stream():
            content += part
            if len(content) > bytes_max:
                break
        else:
            return bytes(content)
    raise FetchFailed(f"it is larger than {bytes_max // 1024 // 1024} MiB", is_final=True)


def _checked(url: str, *, allow_private: bool) -> tuple[str, str]:
    """The address in the letters that HTTP allows, and the host as the server is asked for it. Raises FetchFailed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        name = "" if host is None else host.encode("idna").decode()
    except ValueError:
        raise FetchFailed("the address cannot be used", is_final=True) from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise FetchFailed("the address does not start with https://", is_final=True)
    if not name or "@" in parts.netloc:
        raise FetchFailed("the address cannot be used", is_final=True)
    place = f"[{name}]" if ":" in name else name
    place += f":{port}" if port else ""
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    return urlunsplit((parts.scheme, place, path, quote(parts.query, safe="/%:@!$&'()*+,;=~?"), "")), place


def _lower(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
