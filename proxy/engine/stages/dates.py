"""Every answer is given now: `Date` is of this moment on the session's clock, or caches would take all of it for stale.

What PeerTube's route cache repeats, in lower case, is its first answer's date: that one stays (observed).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.limits.counters import Window
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.settled import Momentary
from peertape.proxy.engine.twin.wire import http_date

PLAYED = (Source.RECORDED, Source.DERIVED)


class DateStage:
    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        answer = rest(request)
        if answer.source not in PLAYED:
            return answer
        now = Momentary(_date(session.clock.now()).decode(), _date)
        pairs = ((name, now if name == "Date" else value) for name, value in answer.headers)
        return replace(answer, headers=Headers.of(pairs))


def _date(at: float, _: Window | None = None) -> bytes:
    return _date_of_second(int(at))


@lru_cache(maxsize=16)
def _date_of_second(at: int) -> bytes:
    return http_date(at).encode()
