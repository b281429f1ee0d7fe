"""Where something is asked: at the instance, or at another host that it named."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

_HERE = "http://instance.invalid"  # stands for the instance while references are resolved (RFC 2606)


@dataclass(frozen=True, slots=True)
class Place:
    """`origin`, such as `https://files.example:8443`, is None for the instance itself, whatever it is called."""

    target: str  # origin-form: path and query
    origin: str | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def with_query(self, query: str) -> Place:
        return Place(f"{self.target}{'&' if '?' in self.target else '?'}{query}", self.origin)


@dataclass(frozen=True, slots=True)
class Home:
    """The origins under which the instance is known: of its address, and its own in its links."""

    origins: frozenset[str] = frozenset()

    def place(self, reference: str, within: Place | None = None) -> Place | None:
        """What a link means, relative ones `within` the document that has it; None if it is not for HTTP."""
        base = f"{(within.origin if within else None) or _HERE}{within.target if within else '/'}"
        try:
            url = urlsplit(urljoin(base, reference))
            origin = origin_of(url.geturl())
        except ValueError:
            return None
        if origin is None:
            return None
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        if not target.isascii() or any(character <= " " for character in target):
            return None
        return Place(target, None if origin == _HERE or origin in self.origins else origin)

    def and_of(self, url: object) -> Home:
        """Known as well under the origin of that address."""
        origin = origin_of(url) if isinstance(url, str) else None
        return Home(self.origins | {origin}) if origin else self


def origin_of(url: str) -> str | None:
    """Scheme, host and port in one spelling; None if there can be no such place."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or not host.isascii() or parts.username is not None:
        return None
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, usual) else "")
