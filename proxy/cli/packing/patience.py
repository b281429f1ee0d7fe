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
        self._left: dict[str, int] = {}  # requests that a window still takes, as it was told last
        self._renewed: dict[str, float] = {}  # when it begins anew
        self._limits = limits.load()

    def seconds(self, method: str, place: Place) -> float:
        """How long this one has to wait; 0 for at once."""
        now = time.monotonic()
        until = max((self._closed.get(bucket, 0.0) for bucket in self._buckets(method, place)), default=0.0)
        return max(0.0, until - now, self._next - now)

    def sent(self) -> None:
        self._next = time.monotonic() + self._gap

    def heed(self, method: str, place: Place, status: int, headers: Headers) -> None:
        """A window that is used up is closed until it begins anew: by Retry-After, or X-RateLimit-Reset (epoch).

        An answer that says nothing of it counts as one more.
        """
        buckets = self._buckets(method, place)
        if not buckets:
            return
        bucket, now = buckets[-1], time.monotonic()
        remaining, wait = headers.get("x-ratelimit-remaining") or "", _until_reset(headers)
        if wait is not None:
            self._renewed[bucket] = now + min(wait, LONGEST) + MARGIN
        if remaining.isdecimal() and len(remaining) < 9:
            self._left[bucket] = int(remaining)
        elif bucket in self._left:
            self._left[bucket] -= 1
        if status in (429, 503) or self._left.get(bucket, 1) <= 0:
            self._closed[bucket] = self._renewed.get(bucket, now)
            self._left.pop(bucket, None)

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
