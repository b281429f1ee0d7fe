"""The headers of limits, and where they stand: behind those of the routers, with Date among them (samples.txt)."""

from __future__ import annotations

from dataclasses import dataclass

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.settled import Momentary, Tell

LIMIT, REMAINING, RESET, RETRY_AFTER = "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"
_ROUTERS = ("x-powered-by", "x-frame-options", "content-security-policy", "tk")
_CORS = "access-control-"


@dataclass(frozen=True, slots=True)
class Again:
    """How the numbers of a stamp are told when a settled answer is given again."""

    remaining: Tell
    reset: Tell


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a bucket says of itself. `reset`: epoch seconds; `retry_after`: seconds, once it was over."""

    limit: int
    remaining: int
    reset: int
    retry_after: int | None = None
    again: Again | None = None


def stamped(headers: Headers, stamp: Stamp) -> Headers:
    """With the stamp in place of a recorded one, in its spelling; else where PeerTube puts it."""
    lower = any(name == LIMIT.lower() for name, _ in headers)
    date = next(((name, value) for name, value in headers if name.lower() == "date"), None)
    remaining, reset = str(stamp.remaining), str(stamp.reset)
    if stamp.again is not None:
        remaining, reset = Momentary(remaining, stamp.again.remaining), Momentary(reset, stamp.again.reset)
    own = [(LIMIT, str(stamp.limit)), (REMAINING, remaining), date, (RESET, reset)]
    if stamp.retry_after is not None:
        own.append((RETRY_AFTER, str(stamp.retry_after)))
    pairs = [(pair[0].lower() if lower else pair[0], pair[1]) for pair in own if pair is not None]
    rest = headers.without("date", RETRY_AFTER, REMAINING, RESET)
    at = next((i for i, (name, _) in enumerate(rest) if name.lower() == LIMIT.lower()), None)
    if at is None:
        at = _behind_routers(rest)
    rest = rest.without(LIMIT)
    return Headers((*rest.pairs[:at], *pairs, *rest.pairs[at:]))


def cached(headers: Headers, stamp: Stamp) -> Headers:
    """What PeerTube's route cache answered keeps its old numbers; only what is over now is told, in lower case."""
    without = headers.without(RETRY_AFTER)
    if stamp.retry_after is None:
        return without
    at = next((i + 1 for i, (name, _) in enumerate(without) if name == RESET.lower()), len(without))
    told = (RETRY_AFTER.lower(), str(stamp.retry_after))
    return Headers((*without.pairs[:at], told, *without.pairs[at:]))


def is_from_cache(headers: Headers) -> bool:
    return any(name == LIMIT.lower() for name, _ in headers)


def is_before_routers(headers: Headers) -> bool:
    """Refused while the body was parsed: the limits never saw it. PeerTube's routers would have put `Tk` on it."""
    return "x-powered-by" in headers and "tk" not in headers


def _behind_routers(headers: Headers) -> int:
    """The number of headers that the routers put first."""
    count = 0
    for name, _ in headers:
        if name.lower() not in _ROUTERS and not name.lower().startswith(_CORS):
            break
        count += 1
    return count
