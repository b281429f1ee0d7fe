"""Preconditions as Express and PeerTube's route cache answer them.

Express 4 takes them in two places. What it sends from memory goes through `fresh` 0.5 only, so If-Match is ignored
there; files go through `send` 0.18, which knows all four (media-playback.mitm, flows 82-87). PeerTube's route cache has
its own rule (anonymous-browse.mitm, flows 273-288).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

from peertape.cassettes.headers import Headers

CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range")

# Node keeps the first of these and joins the repeats of all others (documentation of http: message.headers).
_FIRST_ONLY = frozenset({"if-modified-since", "if-unmodified-since"})
_NO_CACHE = re.compile(r"(?:^|,)\s*no-cache\s*(?:,|$)")
_MAX_AGE = re.compile(r"max-age=\d+", re.ASCII)
# Of a 304: removed by `res.send`; `send` removes the two others of its own files too.
_DROPPED = ("content-type", "content-length", "transfer-encoding", "content-encoding", "content-language")


def not_modified(request: Headers, answer: Headers, known_as: Sequence[str] = ()) -> bool:
    """Whether a 200 with the headers `answer` becomes a 304. `known_as`: further ETags of the same octets."""
    if is_route_cached(answer):
        return route_cache_holds(request, answer, known_as)
    return is_fresh(request, answer, known_as)


def is_fresh(request: Headers, answer: Headers, known_as: Sequence[str] = ()) -> bool:
    """`fresh` 0.5, which asks for both conditions where both are sent, unlike RFC 9110 section 13.1.3."""
    none_match, modified_since = (field_value(request, name) for name in ("if-none-match", "if-modified-since"))
    if not none_match and not modified_since:
        return False
    if _NO_CACHE.search(field_value(request, "cache-control") or ""):
        return False
    if none_match and none_match != "*" and not _any_matches(none_match, answer, known_as):
        return False
    return not modified_since or _not_later(answer.get("last-modified"), modified_since)


def precondition_failed(request: Headers, answer: Headers, known_as: Sequence[str] = ()) -> bool:
    """If-Match and If-Unmodified-Since as `send` judges them: weakly, and only for files."""
    if match := field_value(request, "if-match"):
        if not answer.get("etag"):
            return True
        return match != "*" and not _any_matches(match, answer, known_as)
    since = field_value(request, "if-unmodified-since")
    return date_of(since) is not None and not _not_later(answer.get("last-modified"), since)


def is_route_cached(answer: Headers) -> bool:
    """A hit of the route cache has lower-case names; the answer that filled it only a lower-case `cache-control`.

    Where every name is in lower case (HTTP/2), only the form of Cache-Control tells.
    """
    names = {name.lower(): name for name, _ in answer}
    if "etag" not in names or "accept-ranges" in names:
        return False
    if names["etag"] == "etag" and any(name != name.lower() for name in names.values()):
        return True
    control = answer.get("cache-control") or ""
    return names.get("cache-control") == "cache-control" and _MAX_AGE.fullmatch(control) is not None


def route_cache_holds(request: Headers, answer: Headers, known_as: Sequence[str] = ()) -> bool:
    """Byte for byte, and whatever Cache-Control says (anonymous-browse.mitm, flows 273-276)."""
    sent = field_value(request, "if-none-match")
    return sent is not None and sent in (answer.get("etag"), *known_as)


def headers_of_304(answer: Headers) -> Headers:
    """The headers of the 304 that stands for a 200 with the headers `answer`."""
    if is_route_cached(answer):
        return _as_cache_hit(answer)
    return answer.without(*_DROPPED)


def field_value(headers: Headers, name: str) -> str | None:
    """A request header as Node's `req.headers` gives it."""
    if name in _FIRST_ONLY:
        return headers.get(name)
    values = headers.get_all(name)
    return ", ".join(values) if values else None


def date_of(text: str | None) -> float | None:
    """Epoch seconds of an HTTP date; None for anything else."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def matches_weakly(sent: str, etag: str) -> bool:
    """RFC 9110 section 8.8.3.2, on one tag each."""
    return sent.removeprefix("W/") == etag.removeprefix("W/")


def tags_of(value: str) -> tuple[str, ...]:
    """The members of an If-Match or If-None-Match list."""
    return tuple(tag.strip(" ") for tag in value.split(","))


def _any_matches(value: str, answer: Headers, known_as: Sequence[str]) -> bool:
    etag = answer.get("etag")
    known = (etag, *known_as) if etag else ()
    return any(matches_weakly(sent, tag) for sent in tags_of(value) for tag in known)


def _not_later(last_modified: str | None, moment: str | None) -> bool:
    modified, limit = date_of(last_modified), date_of(moment)
    return modified is not None and limit is not None and modified <= limit


def _as_cache_hit(answer: Headers) -> Headers:
    """Whoever asks conditionally has asked before, so the cache is filled: all but Node's own headers in lower case."""
    own = {"connection", "keep-alive"}
    return Headers.of((name if name.lower() in own else name.lower(), value) for name, value in answer)
