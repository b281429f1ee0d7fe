"""Proxies that are believed when they say for whom they ask (`X-Forwarded-For`); named as PeerTube names them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = tuple[Network, ...]

_NAMED = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "linklocal": ("169.254.0.0/16", "fe80::/10"),
    "uniquelocal": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
}


def networks(names: Iterable[str]) -> Networks:
    """Of names, addresses and networks; ValueError with a sentence for the user."""
    return tuple(network for name in names for network in _networks(name.strip()))


def trusts(trusted: Networks, text: str) -> bool:
    """Whether an address as text is one of them; what is no address is not."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in trusted)


def _networks(name: str) -> Iterable[Network]:
    if name.lower() in _NAMED:
        return map(ipaddress.ip_network, _NAMED[name.lower()])
    try:
        return (ipaddress.ip_network(name, strict=False),)
    except ValueError:
        raise ValueError(
            f"{name!r} is no proxy to trust; write loopback, linklocal, uniquelocal, an address or a network"
        ) from None
