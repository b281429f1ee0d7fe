"""Rate limits as PeerTube has them: what is over is refused, and every counted answer says how much is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from peertape.config.limits import Bucket, Limits
from peertape.config.trust import Networks
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.limits import headers as spelled
from peertape.proxy.engine.limits.askers import Askers, Standing
from peertape.proxy.engine.limits.clients import client_address
from peertape.proxy.engine.limits.counters import Charge, Key, Window, milliseconds
from peertape.proxy.engine.limits.headers import Again, Stamp
from peertape.proxy.engine.limits.negotiation import preferred
from peertape.proxy.engine.limits.state import LimitsState
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.settled import Settled
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.targets import single_slashes

STAMPED = (Source.RECORDED, Source.DERIVED, Source.EMULATED)
FAILED = 400
TOO_BIG_HEADERS = 431  # refused by the HTTP server itself
INVALID = {Standing.WRONG_TOKEN: (401, "invalid_token"), Standing.NO_TOKEN: (400, "invalid_request")}


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that was over a limit."""

    bucket: str
    limit: Bucket
    address: str
    request: Request


@dataclass(frozen=True, slots=True)
class _Counted:
    key: Key
    bucket: Bucket
    window: Window
    over: bool


class LimitsStage:
    """`limits` are the run's; a session may have chosen others. `on_refusal` is told of every refusal."""

    def __init__(
        self,
        limits: Limits,
        askers: Askers,
        answers: Answers,
        trusted: Networks = (),
        on_refusal: Callable[[Refused], None] = lambda refused: None,  # noqa: ARG005
    ) -> None:
        self._limits = limits
        self._askers = askers
        self._answers = answers
        self._trusted = trusted
        self._on_refusal = on_refusal

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if "upgrade" in request.headers:  # WebSockets do not come to PeerTube's routers
            return rest(request)
        limits = session.recall(LimitsState).chosen or self._limits
        path = single_slashes(request.path).rstrip("/") or "/"
        names = limits.shown(request.method, path, activity_pub=_asks_for_activity_pub(request, limits))
        if not names:
            return rest(request)
        now = milliseconds(session.clock.now())
        if limits.are_off:
            return _never_counted(rest(request), limits.facts.buckets[names[-1]], now)
        address = client_address(request, self._trusted)
        charged: list[_Counted] = []
        stamp = None
        standing = None
        while len(charged) < len(names):
            for counted in _count(names[len(charged) :], limits, address, session, now):
                charged.append(counted)
                stamp = _stamp(counted, now, stamp)
                if counted.over and standing is not Standing.EXEMPT:
                    standing = self._askers.standing(request, session, limits.facts.exempt)
                    if standing is not Standing.EXEMPT:
                        answer = self._refusal(request, session, standing, counted, limits)
                        answer = replace(answer, headers=spelled.stamped(answer.headers, stamp))
                        return _given_back(answer, charged, session)
        assert stamp is not None
        answer = rest(request)
        if answer.status == TOO_BIG_HEADERS or spelled.is_before_routers(answer.headers):
            session.counters.give_back([counted.key for counted in charged])
            return replace(answer, settled=None)
        if answer.settled is not None:
            answer = replace(answer, settled=_charged(answer.settled, charged))
        return _given_back(_told(answer, stamp, cacheable=limits.is_cached(path)), charged, session)

    def _refusal(
        self, request: Request, session: Session, standing: Standing, counted: _Counted, limits: Limits
    ) -> Answer:
        """What the limiter itself answers, whatever the route."""
        bucket, address = counted.key
        now = session.clock.now()
        if standing in INVALID:
            status, code = INVALID[standing]
            answer = self._answers.problem(request, now, status, "Token is invalid", code=code)
        else:
            self._on_refusal(Refused(bucket, counted.bucket, address, request))
            refusal = limits.facts.refusal
            answer = self._answers.text(request, now, refusal.status, refusal.body, refusal.type)
        return replace(answer, remark=(("rules", limits.version), ("bucket", bucket)))


def _count(names: Sequence[str], limits: Limits, address: str, session: Session, now: int) -> list[_Counted]:
    """Counts the request in these buckets, up to the first that is over."""
    buckets = [limits.buckets[name] for name in names]
    charges = [Charge((name, address), bucket.window, bucket.max) for name, bucket in zip(names, buckets, strict=True)]
    windows = session.counters.charge(charges, now)
    return [
        _Counted(charge.key, bucket, window, window.used > bucket.max)
        for charge, bucket, window in zip(charges, buckets, windows, strict=False)
    ]


def _stamp(counted: _Counted, now: int, outer: Stamp | None) -> Stamp:
    """The innermost bucket is shown; but Retry-After stays, once an outer one has set it."""
    window, largest = counted.window, counted.bucket.max
    if counted.over:
        retry_after: int | None = max(0, math.ceil((window.ends - now) / 1000))
    else:
        retry_after = outer.retry_after if outer is not None else None
    return Stamp(largest, max(0, largest - window.used), _seconds(window.ends), retry_after, _again(largest))


@lru_cache(maxsize=64)
def _again(largest: int) -> Again:
    def remaining(_: float, window: Window | None) -> bytes:
        return b"%d" % (max(0, largest - window.used) if window is not None else largest)

    def reset(at: float, window: Window | None) -> bytes:
        return _reset(window.ends if window is not None else milliseconds(at))

    return Again(remaining, reset)


@lru_cache(maxsize=64)
def _reset(moment: int) -> bytes:
    return b"%d" % _seconds(moment)


def _seconds(moment: int) -> int:
    """That do not end before a moment in milliseconds."""
    return math.ceil(moment / 1000)


def _never_counted(answer: Answer, bucket: Bucket, now: int) -> Answer:
    """With limits off: recorded answers keep their numbers, emulated ones have those of a window's first request."""
    is_made = answer.source in (Source.EMULATED, Source.DERIVED) and spelled.LIMIT not in answer.headers
    if not is_made or spelled.is_before_routers(answer.headers) or "tk" not in answer.headers:
        return answer
    first = str(max(0, bucket.max - 1))
    again = Again(lambda *_: first.encode(), lambda at, _: _reset(milliseconds(at) + bucket.window))
    stamp = Stamp(bucket.max, int(first), _seconds(now + bucket.window), again=again)
    return replace(answer, headers=spelled.stamped(answer.headers, stamp))


def _told(answer: Answer, stamp: Stamp, *, cacheable: bool) -> Answer:
    if answer.source not in STAMPED:
        return answer
    if cacheable and spelled.is_from_cache(answer.headers):
        return replace(answer, headers=spelled.cached(answer.headers, stamp))
    return replace(answer, headers=spelled.stamped(answer.headers, stamp))


def _given_back(answer: Answer, charged: Sequence[_Counted], session: Session) -> Answer:
    """What failed is given back, where only successes count."""
    if answer.status >= FAILED and (failed := [counted.key for counted in charged if counted.bucket.skip_failed]):
        session.counters.give_back(failed)
        return replace(answer, settled=None)
    return answer


def _charged(settled: Settled, charged: Sequence[_Counted]) -> Settled | None:
    """Counted again in each; once one is over, who asks has a say."""
    if any(counted.over for counted in charged):
        return None
    charges = tuple(Charge(counted.key, counted.bucket.window, counted.bucket.max) for counted in charged)
    return replace(settled, charges=(*settled.charges, *charges))


def _asks_for_activity_pub(request: Request, limits: Limits) -> bool:
    accept = request.headers.get("accept")
    if accept is None or ("json" not in accept.lower() and "*" not in accept):
        return False
    return preferred(accept, limits.facts.offered) in limits.facts.activity_pub
