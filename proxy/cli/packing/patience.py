"""When the next request may be sent: by the rate limits that the instance tells, and at the pace that was asked for."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from peertape.cassettes.headers import Headers
from peertape.config import limits
from peertape.proxy.engine.inventory.places import Place

LONGEST = 600.0  # seconds; no window of PeerTube's is longer than half of that
MARGIN = 0.25  # seconds: clocks that are told in whole ones


class Patience:
    def __init__(self, pace: float | None) -> None:
        """`pace`: at most so many requests a second."""
        self._gap = 1 / pace if pace else 0.0
        self._next = 0.0
        self._closed: dict[str, float] = {}  # until when, by bucket
        self._limits = limits.load()

    def seconds(self, method: str, place: Place) -> float:
        """How long this one has to wait; 0 for at once."""
        now = time.monotonic()
        until = max((self._closed.get(bucket, 0.0) for bucket in self._buckets(method, place)), default=0.0)
        return max(0.0, until - now, self._next - now)

    def sent(self) -> None:
        self._next = time.monotonic() + self._gap

    def heed(self, method: str, place: Place, status: int, headers: Headers) -> None:
        """A window that is used up is closed until it begins anew: by Retry-After, or X-RateLimit-Reset (epoch)."""
        if status not in (429, 503) and headers.get("x-ratelimit-remaining") != "0":
            return
        buckets = self._buckets(method, place)
        wait = _until_reset(headers)
        if buckets and wait is not None:
            self._closed[buckets[-1]] = time.monotonic() + min(wait, LONGEST) + MARGIN

    def _buckets(self, method: str, place: Place) -> tuple[str, ...]:
        if place.origin is not None:
            return (place.origin,)
        return self._limits.shown(method, place.path) or ("files",)


def _until_reset(headers: Headers) -> float | None:
    after, reset = headers.get("retry-after") or "", headers.get("x-ratelimit-reset") or ""
    if after.isdecimal() and len(after) < 9:
        return float(after)
    if not reset.isdecimal() or len(reset) > 12:
        return None
    return max(0.0, float(reset) - _date(headers))


def _date(headers: Headers) -> float:
    """The instance's clock, else ours."""
    try:
        return parsedate_to_datetime(headers.get("date") or "").timestamp()
    except ValueError:
        return time.time()
