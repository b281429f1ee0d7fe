"""What makes two requests the same: the keys of the first two tiers of matching, and the form of the third.

All of it works on redacted requests: a secret and its pseudonym give the same key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

from peertape.cassettes.bodyfields import fields, has_fields
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.paths import fold
from peertape.config import facts

EMPTY_DIGEST = hashlib.sha256(b"").digest()
KEY_LENGTH = 8  # octets: among a billion exchanges two that differ share a key with a chance of 3 %
REMEMBERED = 512  # lists of headers, of which a client sends few that differ
WINDOW = frozenset({"start", "count"})  # parameters of a list
MOST_DIGITS = 15  # of a start or a count that a list could have
QUERY_CREDENTIALS = frozenset({"accesstoken", "videofiletoken", "token"})
CHARSET = re.compile(r"charset=\"?([^\";\s]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What query and body ask for, whatever their spelling: `rest` is 0 if that is what PeerTube takes for granted.

    Where the window of a list begins stands beside it; how long it is, in neither.
    """

    rest: int
    window: int


@dataclass(frozen=True, slots=True)
class RequestKeys:
    exact: bytes
    telling: bytes
    folded_path: str
    credential: str | None
    body_digest: bytes
    meaning: Meaning


def keys_of(method: str, target: str, headers: Headers, body_digest: bytes, text: bytes | None = None) -> RequestKeys:
    """`text`: the body decoded, if it is one; it tells more than the digest where not all fields count."""
    path, _, query = target.partition("?")
    folded = fold(path)
    shape = "\0".join((method, path, *sorted_query(query), ""))
    told = _told(headers, _negotiation(method, folded, headers), body_digest != EMPTY_DIGEST)
    return RequestKeys(
        exact=_hash(shape, _all_told(headers), body_digest),
        telling=_hash(shape, told, body_digest),
        folded_path=folded,
        credential=credential(headers),
        body_digest=body_digest,
        meaning=meaning(query, _told_by_body(method, folded, headers, body_digest, text)),
    )


def meaning(query: str, told: bytes = b"") -> Meaning:
    """Two requests to a path have the same if tolerant matching takes them for the same. `told`: by the body."""
    asked = tolerant_query(query, WINDOW)
    rest = int.from_bytes(_hash(_joined(asked), "", b"")[:8], signed=True) if asked else 0
    return Meaning(rest ^ int.from_bytes(told[:8], signed=True), _window(query))


def _told_by_body(method: str, folded: str, headers: Headers, digest: bytes, text: bytes | None) -> bytes:
    """A digest of what counts in a body: of a form or JSON where only some fields do, these; else all of it."""
    if digest == EMPTY_DIGEST:
        return b""
    names = telling_fields(method, folded)
    if not names or text is None or not has_fields(headers):
        return digest
    given = fields(headers, text)
    counting = [(name, given[name]) for name in sorted(names) if name in given]
    return hashlib.sha256(f"{body_type(headers)}\1{_joined(counting)}".encode("utf-8", "surrogatepass")).digest()


def telling_fields(method: str, folded: str) -> frozenset[str]:
    """Of a route's bodies, where only these count."""
    known = (names for route, names in facts.telling_fields() if route.matches(method, folded))
    return next(known, frozenset())


def _window(query: str) -> int:
    """What is no number stands at none."""
    named = dict(reversed(tolerant_query(query))).get("start", "0") if "start" in query else "0"
    return int(named) if named.isdecimal() and len(named) <= MOST_DIGITS else -1


def everything_told(headers: Headers) -> list[tuple[str, str]]:
    """All headers but those of the client program, the connection and peertape itself; their order does not count."""
    untelling = facts.load().untelling_headers
    lower = [(name.lower(), value) for name, value in headers]
    return sorted(pair for pair in lower if pair[0] not in untelling and not pair[0].startswith("peertape-"))


def sorted_query(query: str) -> list[str]:
    """Parameters as spelled, ordered by name; repeated names keep their order, which PeerTube heeds."""
    return sorted(query.split("&"), key=lambda pair: pair.partition("=")[0]) if query else []


def credential(headers: Headers) -> str | None:
    """The token that a request presents, in whatever scheme; None for an anonymous one."""
    value = headers.get("authorization")
    if value is None:
        return None
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value


def query_credential(query: str) -> str | None:
    """A token in the query: of a private video's file, of a feed, of a socket."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name.lower() in QUERY_CREDENTIALS and value:
            return unquote_plus(value)
    return None


def telling(method: str, path: str, headers: Headers, body_digest: bytes) -> list[tuple[str, str]]:
    """The headers that tell requests of one user apart."""
    return _telling(headers, negotiation(method, path, headers), body_digest != EMPTY_DIGEST)


def _telling(headers: Headers, accept: str, has_body: bool) -> list[tuple[str, str]]:
    wanted = facts.load().telling_headers
    lower = [(name.lower(), value) for name, value in headers]
    out = [pair for pair in lower if pair[0] in wanted and pair[0] not in ("accept", "origin")]
    out.append(("accept", accept))
    if "origin" in headers:
        out.append(("origin", ""))  # PeerTube answers every origin alike
    if has_body:
        out.append(("content-type", body_type(headers)))
    if ("if-none-match" in headers or "if-modified-since" in headers) and "cache-control" in headers:
        out.append(("cache-control", headers.get("cache-control") or ""))
    return sorted(out)


def negotiation(method: str, path: str, headers: Headers) -> str:
    """What Accept asks for, where the path heeds it: `activity`, `page` (HTML or anything), or the types themselves.

    A feed's type is that of its path, so that every Accept that takes it asks for the same as one that takes anything.
    """
    return _negotiation(method, fold(path), headers)


def _negotiation(method: str, folded: str, headers: Headers) -> str:
    if not _negotiated(method.upper()).fullmatch(folded):
        return ""
    accept = headers.get("accept") or "*/*"
    if "activity+json" in accept or "ld+json" in accept:
        return "activity"
    if "*/*" in accept or "text/html" in accept:
        return "page"
    types = sorted(part.partition(";")[0].strip().lower() for part in accept.split(","))
    return "page" if _is_feed_of(folded, types) else ",".join(types)


@lru_cache(maxsize=64)
def _negotiated(method: str) -> re.Pattern[str]:
    """Of the paths that heed Accept, all in one."""
    known = (pattern.expression for pattern in facts.negotiated() if pattern.method in (None, method))
    return re.compile("|".join(f"(?:{path})" for path in known) or r"(?!)", re.IGNORECASE)


def _is_feed_of(path: str, types: Iterable[str]) -> bool:
    known = facts.load().feed_types.get(path.rpartition(".")[2], frozenset())
    return path.startswith("/feeds/") and not known.isdisjoint(types)


def body_type(headers: Headers) -> str:
    """The body's media type, with its charset if that is not the usual one."""
    found = CHARSET.search(headers.get("content-type") or "")
    charset = found[1].lower() if found else "utf-8"
    return media_type(headers) + ("" if charset in ("utf-8", "utf8") else f";{charset}")


@lru_cache(maxsize=4096)  # a request is compared with everything recorded under its path
def tolerant_query(query: str, ignored: frozenset[str] = frozenset()) -> tuple[tuple[str, str], ...]:
    """The query by meaning: decoded, single parameters once; without defaults, credentials and ignored ones."""
    known = facts.load()
    out: list[tuple[str, str]] = []
    seen: set[str] = set()
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        name, value = unquote_plus(name), unquote_plus(value)
        if name in ignored or name.lower() in QUERY_CREDENTIALS or (name in known.single_query and name in seen):
            continue
        seen.add(name)
        if known.query_defaults.get(name) != value:
            out.append((name, value))
    return tuple(sorted(out, key=lambda item: item[0]))


@lru_cache(maxsize=REMEMBERED)
def _all_told(headers: Headers) -> str:
    return _joined(everything_told(headers))


@lru_cache(maxsize=REMEMBERED)
def _told(headers: Headers, accept: str, has_body: bool) -> str:
    return _joined(_telling(headers, accept, has_body))


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join([f"{name}\0{value}\0" for name, value in pairs])


def _hash(shape: str, told: str, body_digest: bytes) -> bytes:
    return hashlib.sha256(f"{shape}\1{told}\1".encode() + body_digest).digest()[:KEY_LENGTH]
