"""Recording is polite: it heeds the instance's rate limits, and keeps a pace if it is asked to."""

from __future__ import annotations

import asyncio
import logging
import time

from mitmproxy import http

from peertape.addons.convert import is_answered, is_control, is_elsewhere

logger = logging.getLogger(__name__)

LONGEST_WAIT = 60.0  # seconds that a request is held back for a limit's window


class Politeness:
    """`pace`: at most so many requests a second. With one, a used-up limit is waited for as well."""

    def __init__(self, pace: float | None) -> None:
        self._gap = 1 / pace if pace else 0.0
        self._next = 0.0  # monotonic
        self._warned: set[str] = set()

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        if not self._gap or is_control(flow) or is_answered(flow):
            return
        now = time.monotonic()
        wait = max(0.0, self._next - now)
        self._next = max(now, self._next) + self._gap
        await asyncio.sleep(wait)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        response = flow.response
        if response is None or is_elsewhere(flow) or response.headers.get("x-ratelimit-remaining") != "0":
            return
        limit = response.headers.get("x-ratelimit-limit", "?")
        wait = _until_reset(response.headers)
        if self._gap:
            self._next = max(self._next, time.monotonic() + wait)
        elif limit not in self._warned:
            self._warned.add(limit)
            logger.warning(
                "the instance's limit of %s requests is used up: 429 for the next %.0f s; --pace 4 records more slowly",
                limit,
                wait,
            )


def _until_reset(headers: http.Headers) -> float:
    """Seconds, from Retry-After or else from X-RateLimit-Reset (epoch seconds)."""
    if (after := headers.get("retry-after", "")).isdecimal():
        return min(float(after), LONGEST_WAIT)
    reset = headers.get("x-ratelimit-reset", "")
    return min(max(0.0, float(reset) - time.time()), LONGEST_WAIT) if reset.isdecimal() else 0.0
