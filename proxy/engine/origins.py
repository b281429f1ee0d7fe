"""Finding one origin in text, however it is spelled, and putting another in its place.

Spellings seen in the recordings: `http://h`, `ws://h`, `//h` (Location of uploads), `http%3A%2F%2Fh%3A9100` (magnet
links, oEmbed), JSON in JSON. Those that other encoders make of the same are known too: escaped slashes (`\\/`), what is
encoded twice (`%253A%252F`), and HTML's character references (`&#x2F;`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

from peertape.cassettes.origin import Origin

_SCHEMES = {"http": ("http", "https"), "https": ("http", "https"), "ws": ("ws", "wss"), "wss": ("ws", "wss")}
_COLON = rb"(?::|%(?:25)*3a|&#x3a;|&#58;)"
_SLASH = rb"(?:\\*/|%(?:25)*2f|&#x2f;|&#47;)"
# No letter may stand before a scheme, unless it ends an escape: "\nhttps://", "%3Dhttps:", "%253Dhttps:".
_SCHEME_EDGE = rb"(?:(?<![a-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-f]{4})|(?<=%[0-9a-f]{2})|(?<=%25[0-9a-f]{2}))"
# Before a scheme-relative link: what opens a value. Not a path, nor another scheme ("rtmp://", "a//b").
_LINK_EDGE = rb"(?:(?<![^\s\"'`=(,;<>\[{|])|(?<=\\[nrt])|(?<=%3d)|(?<=%22)|(?<=%28)|(?<=%2c))"
_LEFT = re.compile(
    rb"(?:" + _SCHEME_EDGE + rb"(?P<scheme>https?|wss?)(?P<colon>" + _COLON + rb")|" + _LINK_EDGE + rb")"
    rb"(?P<slashes>" + _SLASH + rb"{2})\Z",
    re.IGNORECASE,
)
_ENDS_OF_SLASH = frozenset({b"/", b"f", b"F", b";"})
SPELLINGS_KEPT = 64  # a text has its links in few of them
_REACH = 80  # of a scheme and what stands before it, in the longest spelling
# What would make it a longer host, another port, or the user of another host.
_RIGHT = rb"(?![a-z0-9_\-]|\.[a-z0-9_\-]|(?::[a-z0-9._~!$*+\-]{0,64})?@[a-z0-9\[])"


# What leads to another host, as `hostpaths` has it, in the spelling of the origin before it.
_HOST_PATH = re.compile(
    _SLASH + rb"__peertape__" + _SLASH + rb"host" + _SLASH + rb"(?P<scheme>https?)" + _SLASH, re.IGNORECASE
)


class Finder:
    """Replaces every spelling of one origin by another, which then stands in the same spelling.

    `back`: it is our own origin, and what stands under its reserved path is a link to another host.
    """

    def __init__(self, recorded: Origin, client: Origin, *, back: bool = False) -> None:
        self._client = client
        self._back = back
        self._spelled = lru_cache(maxsize=SPELLINGS_KEPT)(self._spell)
        quoted = quote(recorded.host, safe="").lower()
        # Only an IPv6 address has more than one spelling.
        spellings = {host.encode() for host in (recorded.host, quoted, quote(quoted, safe="").lower())}
        self._host = re.compile(rb"|".join(re.escape(host) for host in sorted(spellings)))
        self._ports = {
            scheme: re.compile(_port_pattern(recorded, scheme) + _RIGHT, re.IGNORECASE)
            for scheme in (b"http", b"https", b"")
        }

    def replace(self, data: bytes) -> bytes:
        """`data` itself if the origin is not in it."""
        out: list[bytes] = []
        done = 0
        for host in self._host.finditer(data.lower()):  # by the literal host first: text is mostly not links
            at, end_of_host = host.span()
            if at < done or data[at - 1 : at] not in _ENDS_OF_SLASH:
                continue
            reach = len(b"https://") if data[at - 3 : at] == b"://" else _REACH
            left = _LEFT.search(data, max(0, at - reach), at)
            if left is None:
                continue
            scheme = _transport(left["scheme"])
            right = self._ports[scheme].match(data, end_of_host)
            if right is None:
                continue
            elsewhere = _HOST_PATH.match(data, right.end()) if self._back else None
            new = (
                _elsewhere(left, elsewhere["scheme"])
                if elsewhere
                else self._spelled(left["scheme"], left["colon"], left["slashes"], right["colon"])
            )
            out += (data[done : left.start()], new)
            done = elsewhere.end() if elsewhere else right.end()
        if not out:
            return data
        return b"".join((*out, data[done:]))

    def _spell(
        self, named: bytes | None, colon_beside: bytes | None, slashes: bytes, port_colon: bytes | None
    ) -> bytes:
        """The client's origin, with the scheme `named` and colons and slashes spelled as they were."""
        colon = port_colon or colon_beside or _colon_beside(slashes)
        host = self._client.host.encode()
        if b"%" in colon:
            levels = colon.lower().count(b"25") + 1
            for _ in range(levels):
                host = quote(host, safe="").encode()
        port = self._client.explicit_port
        tail = b"" if port is None else colon + str(port).encode()
        if named is None:
            return slashes + host + tail
        scheme = _SCHEMES[named.lower().decode()][self._client.secure]
        return scheme.encode() + (colon_beside or b"") + slashes + host + tail


def _elsewhere(left: re.Match[bytes], transport: bytes) -> bytes:
    """What begins a link to another host."""
    if left["scheme"] is None:
        return bytes(left["slashes"])
    scheme = _SCHEMES[left["scheme"].lower().decode()][transport.lower() == b"https"]
    return scheme.encode() + bytes(left["colon"]) + bytes(left["slashes"])


def _transport(scheme: bytes | None) -> bytes:
    if scheme is None:
        return b""
    return b"https" if scheme.lower() in (b"https", b"wss") else b"http"


def _port_pattern(recorded: Origin, scheme: bytes) -> bytes:
    """Both schemes of the recorded host count; without a port each means its own default one."""
    colon = rb"(?P<colon>" + _COLON + rb")"
    if recorded.explicit_port is not None:
        return colon + str(recorded.port).encode() + rb"(?![0-9])"
    ports = {b"http": b"80", b"https": b"443", b"": str(recorded.port).encode()}
    return rb"(?:" + colon + ports[scheme] + rb"(?![0-9]))?(?!" + _COLON + rb"[0-9])"


def _colon_beside(slashes: bytes) -> bytes:
    """The spelling of a colon where only slashes show how the text is encoded."""
    if slashes.startswith(b"%"):
        return slashes[: len(slashes) // 2 - 2] + (b"3a" if slashes.endswith(b"f") else b"3A")
    return b":"
