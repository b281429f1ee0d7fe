"""The reserved path under which files of other hosts are reached: `/__peertape__/host/https/files.example:8443/path`.

What stands behind the authority is the target at that origin, as spelled. Nothing is decoded: an authority in any other
form than the one that links are rewritten to is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from peertape.cassettes.origin import Origin

PREFIX = "/__peertape__/host/"
_URL = re.compile(r"(?P<scheme>https?|wss?)://[^/?#]*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class HostPath:
    origin: Origin
    target: str  # path and query


def is_host_path(target: str) -> bool:
    return target.startswith(PREFIX)


def parse(target: str) -> HostPath | None:
    """None if that is no origin."""
    scheme, _, rest = target.removeprefix(PREFIX).partition("/")
    path, mark, query = rest.partition("?")
    authority, slash, path = path.partition("/")
    origin = Origin.of(scheme, authority) if is_host_path(target) else None
    return HostPath(origin, (slash or "/") + path + mark + query) if origin is not None else None


def under(client: Origin, url: str) -> str | None:
    """An absolute http, https, ws or wss URL as a link to `client`, the origin by which the client reaches us."""
    found, origin = _URL.match(url), Origin.of_url(url)
    if found is None or origin is None:
        return None
    rest = found["rest"]
    return f"{_transport(client, found['scheme'])}{PREFIX}{origin.scheme}/{origin.authority}{_rooted(rest)}"


def _transport(client: Origin, scheme: str) -> str:
    """A socket stays one; whether it is secure is a matter of the way to us."""
    text = str(client)
    return f"ws{text.removeprefix('http')}" if scheme.lower().startswith("ws") else text


def _rooted(rest: str) -> str:
    return rest if rest.startswith("/") else f"/{rest}"
