"""By which Hosts clients reach us. They count as the instance's public one: a login works through any of them."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from peertape.proxy.engine.model import Request
from peertape.proxy.engine.shelf import Shelf

# What only resolves near by: names without a dot, and the domains set aside for it (RFC 6761, RFC 6762, RFC 8375).
_NEAR_BY = re.compile(r"[^.]+|.+\.(?:localhost|local|lan|home|internal|home\.arpa|test)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OurHosts:
    """`public_url`: where the instance is, if the user says so."""

    shelf: Shelf
    public_url: str | None = None

    def has(self, host: str, request: Request) -> bool:
        """Whether a Host is ours, by the port at which the request came, and the name by which it called us."""
        is_alias = request.by_alias and host == request.host
        return is_alias or is_our_host(host, request.port, self.shelf, self.public_url)


def is_our_host(host: str, port: int | None, shelf: Shelf, public_url: str | None) -> bool:
    """Whether a Host is the recorded one, that of `public_url`, or an address of this machine.

    An emulator or container reaches this machine by an address of its own (10.0.2.2), a phone by a LAN name: any
    address of a private network and any name that only resolves near by may be ours, if the port is ours.
    """
    try:
        parts = urlsplit(f"//{host}")
        name, named = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if _is_this_machine(name):
        return True
    known = [urlsplit(public_url).netloc] if public_url else []
    known += [urlsplit(origin).netloc for cassette in shelf.cassettes if (origin := cassette.public_origin)]
    if host.lower() in (one.lower() for one in known):
        return True
    return (named or 80) == port and _is_near(name)


@lru_cache(maxsize=64)
def _is_this_machine(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_near(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return bool(_NEAR_BY.fullmatch(name)) or name == socket.gethostname().lower()
    return address.is_private or address.is_link_local
