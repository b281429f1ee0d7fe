"""Scheme, host and port: where an instance is, and where files lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_TRANSPORTS = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_LONGEST = 300  # of an authority: names have at most 253 characters (RFC 1035, section 2.3.4)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_AUTHORITY = re.compile(rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?", re.ASCII)
_URL = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]+)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454 section 4); `https://h` and `https://h:443` are equal."""

    scheme: str
    host: str  # in lower case, an IPv6 address with its brackets
    port: int

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Of an absolute http or https URL; ValueError for anything else."""
        url = urlsplit(text.strip())
        if url.scheme not in DEFAULT_PORTS or not url.hostname:
            raise ValueError(f"{text!r} is no http or https origin")
        name = url.hostname if url.hostname.isascii() else url.hostname.encode("idna").decode("ascii")
        host = f"[{name}]" if ":" in name else name
        return cls(url.scheme, host, url.port or DEFAULT_PORTS[url.scheme])

    @classmethod
    def of(cls, scheme: str, authority: str) -> Origin | None:
        """Only of what can be nothing else: no user, no escapes, no other spelling of an address, no empty label."""
        return _strict_origin(scheme, authority) if len(authority) <= _LONGEST else None

    @classmethod
    def of_url(cls, url: str) -> Origin | None:
        """Where an absolute http, https, ws or wss URL leads, as strictly; None for anything else."""
        found = _URL.match(url)
        transport = _TRANSPORTS.get(found["scheme"].lower()) if found else None
        return cls.of(transport, found["authority"]) if found and transport else None

    @property
    def name(self) -> str:
        """The host, an IPv6 address without its brackets."""
        return self.host.strip("[]")

    @property
    def explicit_port(self) -> int | None:
        return None if self.port == DEFAULT_PORTS[self.scheme] else self.port

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        return self.host if self.explicit_port is None else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@lru_cache(maxsize=1024)  # the answers of an instance name the same few places again and again
def _strict_origin(scheme: str, authority: str) -> Origin | None:
    found = _AUTHORITY.fullmatch(authority.lower())
    if scheme not in DEFAULT_PORTS or found is None:
        return None
    host, port = found["host"], int(found["port"] or DEFAULT_PORTS[scheme])
    if not 0 < port < 1 << 16:
        return None
    if host.startswith("["):
        try:
            host = f"[{IPv6Address(host[1:-1])}]"
        except AddressValueError:
            return None
    return Origin(scheme, host, port)
