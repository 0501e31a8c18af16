"""Which addresses a request may go to."""

import socket
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any

import anyio
import httpcore2


class ForbiddenAddress(Exception):
    """The name leads to an address that is not public."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet (an IPv4 address inside an IPv6 one counts as itself)."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found.packed[:12] == bytes.fromhex("0064ff9b0000000000000000"):
            inner = ip_address(found.packed[12:])  # type: ignore[assignment]
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast


class PublicNetwork(httpcore2.AsyncNetworkBackend):
    """Connects by addresses that were looked at, not by names: a name may lead elsewhere when it is asked again.

    TLS goes on checking the name, because that is told to it separately.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore.
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # One private address among public ones is as bad as only private ones: the next look may pick it.
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise ForbiddenAddress("The URL leads to a private network")
        return await self._backend.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_arguments: Any, **_options: Any) -> httpcore2.AsyncNetworkStream:
        raise ForbiddenAddress("Requests go to the internet only")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)
