"""To which addresses a named host may lead.

An instance can name any host, and a name can lead to any address: to this machine, to the router of the house, to what
a cloud keeps for itself. Those are not for whoever wrote a link.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Where developers have instances of their own: this machine, and private networks (RFC 1918, RFC 4193, RFC 6598).
_NEAR = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


class OffLimitsError(Exception):
    """A host that leads to an address which is not for others to name; the text is a sentence for the user."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Addresses:
    """`allowed` are host names and addresses that the user named. Where the upstream itself is near, others may be."""

    def __init__(self, upstream: str, allowed: Collection[str] = (), resolve: Resolve = resolved) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._allowed = frozenset(host.lower().strip("[]") for host in allowed)
        self._resolve = resolve
        self._near_is_fine: bool | None = None

    async def of(self, host: str, port: int) -> list[str]:
        """Those to which a connection may be opened, never none. Raises OffLimitsError, or OSError for no such name."""
        found = list(dict.fromkeys(await self._resolve(host, port)))
        if host.lower() in self._allowed:
            return found
        fine = [text for text in found if await self._may_be_named(_address(text))]
        if not fine:
            where = ", ".join(found) or "nowhere"
            named = f"{host} leads to {where}" if found != [host] else host
            raise OffLimitsError(
                f"{named}: an address of this machine or of a private network is only asked where the instance is on "
                f"one itself, or with --allow-host {host}."
            )
        return fine

    async def _may_be_named(self, address: Address) -> bool:
        if str(address) in self._allowed or (address.is_global and not address.is_multicast):
            return True
        return _is_near(address) and await self._is_upstream_near()

    async def _is_upstream_near(self) -> bool:
        if self._near_is_fine is None:
            found = await self._resolve(*self._upstream)
            self._near_is_fine = any(_is_near(_address(text)) for text in found)
        return self._near_is_fine


class Backend(httpcore.AsyncNetworkBackend):
    """Connects only where `addresses` lets it; to just the address that was looked at."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            found = await self._addresses.of(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        *others, last = found
        for address in others:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._plain.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _address(text: str) -> Address:
    """What an address stands for: an IPv4 one may be wrapped up in IPv6 (RFC 4291, RFC 3056, RFC 6052)."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_near(address: Address) -> bool:
    return any(address in network for network in _NEAR if network.version == address.version)


_TRANSLATED = ip_network("64:ff9b::/96")
