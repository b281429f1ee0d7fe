"""Where sessions are kept together: `--state`, read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

PREFIX = "peertape"
TTL = 24 * 60 * 60  # seconds
REDIS = ("redis", "rediss", "unix")
EXAMPLE = "redis://127.0.0.1:6379/0"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """`prefix`: of all keys; `ttl`: seconds until an unused session is forgotten; `shown`: the URL without secrets."""

    url: str
    shown: str
    prefix: str = PREFIX
    ttl: int = TTL


@dataclass(frozen=True, slots=True)
class SqliteAddress:
    path: Path


def address(text: str) -> RedisAddress | SqliteAddress:
    """Raises ValueError with a sentence."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme == "sqlite" and not url.netloc and len(url.path) > 1 and not url.query:
        return SqliteAddress(Path(unquote(url.path.removeprefix("/"))))
    is_somewhere = url.path if url.scheme == "unix" else url.hostname
    if url.scheme not in REDIS or not is_somewhere or port == 0:
        raise ValueError(f"{text!r} is no place for sessions; write for example {EXAMPLE}")
    given = dict(parse_qsl(url.query, keep_blank_values=True))
    prefix, ttl = given.pop("prefix", PREFIX), given.pop("ttl", str(TTL))
    if not prefix:
        raise ValueError(f"the prefix of {text!r} is empty; write for example {EXAMPLE}?prefix=load-test")
    if not (ttl.isascii() and ttl.isdecimal() and 0 < int(ttl) < 2**31):
        raise ValueError(f"ttl={ttl} is no number of seconds; write for example {EXAMPLE}?ttl=3600")
    place = text.partition("?")[0]
    user, at, host = url.netloc.rpartition("@")
    shown = f"{url.scheme}://{user.partition(':')[0]}:***@{host}{url.path}" if at else place
    return RedisAddress(f"{place}?{urlencode(given)}" if given else place, shown, prefix, int(ttl))
