"""Steps about what stands around a route's own checks: the form that is read first, the cache that keeps answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.twin.case import Case
from peertape.proxy.engine.twin.multipart import form_fault
from peertape.proxy.engine.twin.steps import Step
from peertape.proxy.engine.twin.verdict import Verdict

_NOT_KEPT = (403, 404)
_NEVER = "no-cache, no-store, must-revalidate"


@dataclass(frozen=True, slots=True)
class Form(Step):
    """Where a multipart body is read. `fields`: those that may hold one file each; None for any."""

    fields: frozenset[str] | None

    def judge(self, case: Case) -> Verdict | None:
        fault = form_fault(case.request, self.fields)
        return case.problem(500, fault.detail, code=fault.code) if fault else None


@dataclass(frozen=True, slots=True)
class Cached(Step):
    """From here on PeerTube's route cache keeps the answers, for so many seconds, and says so."""

    seconds: int

    def judge(self, case: Case) -> Verdict | None:
        case.cached = self.seconds
        return None


def with_cache_control(verdict: Verdict, case: Case) -> Verdict:
    """With the header of the route cache, which is in lower case and stands last (cors.mitm, flow 110)."""
    if case.cached is None or verdict.answer is None:
        return verdict
    return replace(verdict, answer=_cached_for(verdict.answer, case.cached))


def _cached_for(answer: Answer, seconds: int) -> Answer:
    value = _NEVER if answer.status in _NOT_KEPT else f"max-age={seconds}"
    pairs = list(answer.headers)
    at = next((i for i, (name, _) in enumerate(pairs) if name == "Date"), len(pairs))
    return replace(answer, headers=Headers.of((*pairs[:at], ("cache-control", value), *pairs[at:])))
