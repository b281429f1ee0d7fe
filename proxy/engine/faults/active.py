"""The faults and the latency of a session, and how often each struck."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from peertape.config.faultfacts import ExpiredToken
from peertape.config.faults import EXPIRED_TOKEN, LONGEST_DELAY, Fault, Kind, Latency
from peertape.proxy.engine.faults.chance import Chance
from peertape.proxy.engine.faults.plan import Plan
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.twin.targets import single_slashes


class Active:
    """`struck`: by the fault's position in the plan."""

    def __init__(self, plan: Plan, session: str) -> None:
        self.plan = plan
        self.struck: Counter[int] = Counter()
        self._chance = Chance(plan.seed, session)
        self._renewed = False  # the client got itself a new token

    def change_latency(self, latency: Latency) -> None:
        """The faults stay as they are, with what they counted."""
        self.plan = replace(self.plan, latency=latency)

    def choose(
        self, request: Request, tokens: ExpiredToken, fits: Callable[[Fault, Request], bool] = lambda _f, _r: True
    ) -> int | None:
        """The position of the fault that strikes; it counts when it is told so by `strike`.

        `fits`: whether the request's route has what the fault would answer.
        """
        path = single_slashes(request.path)
        for position, fault in enumerate(self.plan.faults):
            can = self._can_strike(position, fault, request, path, tokens) and fits(fault, request)
            if can and self._hits(position, fault, request):
                return position
        return None

    def may_strike(self, request: Request) -> bool:
        """Whether any fault of the plan is for such requests, now or later."""
        path = single_slashes(request.path)
        return any(fault.is_for(request.method, path) for fault in self.plan.faults)

    def strike(self, position: int) -> None:
        self.struck[position] += 1

    def left(self, position: int) -> int | None:
        """How often it strikes yet; None: without end."""
        fault = self.plan.faults[position]
        if fault.times is not None:
            return fault.times - self.struck[position]
        return 0 if self._renewed and _lasts_until_renewal(fault) else None

    def note(self, request: Request, answer: Answer, tokens: ExpiredToken) -> None:
        """A client with a new token is over with its old one."""
        succeeded = answer.status < 400 and answer.source is not Source.MISS
        if succeeded and tokens.is_renewal(request.method, single_slashes(request.path)):
            self._renewed = True

    def delay(self, request: Request, answer: Answer) -> float:
        """Seconds that the answer takes."""
        latency = self.plan.latency
        match latency.kind:
            case Kind.NONE:
                return 0.0
            case Kind.RECORDED:
                return min(answer.took or 0.0, LONGEST_DELAY)
            case Kind.FIXED:
                return latency.seconds
            case Kind.LOGNORMAL:
                drawn = self._chance.of("latency", request).gauss(0.0, latency.sigma)
                return min(latency.seconds * math.exp(drawn), LONGEST_DELAY)

    def _can_strike(self, position: int, fault: Fault, request: Request, path: str, tokens: ExpiredToken) -> bool:
        if self.left(position) == 0:
            return False
        if request.method == "OPTIONS" and (fault.where is None or fault.where.method != "OPTIONS"):
            return False  # a browser's preflight is no request of the app's
        if fault.name == EXPIRED_TOKEN and not (_has_token(request) and tokens.is_looked_at(request.method, path)):
            return False
        return fault.is_for(request.method, path)

    def _hits(self, position: int, fault: Fault, request: Request) -> bool:
        return not fault.is_random or self._chance.of(f"{position} {fault}", request).random() < fault.probability


def _lasts_until_renewal(fault: Fault) -> bool:
    """A token that is simply expired; with TIMES or PROBABILITY it counts as other faults do."""
    return fault.name == EXPIRED_TOKEN and fault.times is None and not fault.is_random


def _has_token(request: Request) -> bool:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


@dataclass(slots=True)
class _Memory:
    """Kept in the session's memory, which a reset clears."""

    active: Active | None = None


@dataclass(frozen=True, slots=True)
class Faults:
    """`plan` is the run's, with which every session begins. `check` raises FaultError for what cannot be."""

    plan: Plan = field(default_factory=Plan)
    check: Callable[[Sequence[Fault]], None] = lambda _faults: None

    def of(self, session: Session) -> Active:
        """To be looked at."""
        memory = session.recall(_Memory)
        if memory.active is None:
            memory.active = Active(self.plan, session.name)
        return memory.active

    @contextmanager
    def striking(self, session: Session) -> Iterator[Active]:
        """To strike and to draw from chance: requests of the session that do come one after the other."""
        with session.changing(_Memory):
            yield self.of(session)

    def change(
        self, session: Session, faults: Sequence[Fault] | None, latency: Latency | None, seed: int | None
    ) -> Active:
        """What is None stays. With new faults or a new seed, counting and chance begin anew."""
        self.check(faults or ())
        with session.changing(_Memory) as memory:
            active = self.of(session)
            if faults is not None or seed is not None:
                known = active.plan
                plan = Plan(
                    known.faults if faults is None else tuple(faults),
                    known.latency,
                    known.seed if seed is None else seed,
                )
                active = memory.active = Active(plan, session.name)
            if latency is not None:
                active.change_latency(latency)
        return active
