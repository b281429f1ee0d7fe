"""Steps that repeat steps, or remember how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from peertape.proxy.engine.twin.case import Case
from peertape.proxy.engine.twin.expressions import Expression
from peertape.proxy.engine.twin.replies import Reply
from peertape.proxy.engine.twin.steps import Step, Steps, judge
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import text_of
from peertape.proxy.engine.twin.verdict import Outcome, Verdict

_MOST = 5000  # refusals that are remembered


def elements(values: Expression, case: Case) -> Sequence[Any]:
    found = case.evaluator.value(values)
    if not isinstance(found, (list, tuple)):
        raise Undecided(values.text)
    return found


@dataclass(frozen=True, slots=True)
class Each(Step):
    """The steps for each element of a list, bound to `name`; `index` is its place."""

    name: str
    values: Expression
    steps: Steps

    def judge(self, case: Case) -> Verdict | None:
        for index, value in enumerate(elements(self.values, case)):
            case.bind_all({self.name: value, "index": index})
            if verdict := judge(self.steps, case):
                return verdict
        return None


@dataclass(slots=True)
class Refusals:
    """When which keys were refused, in epoch seconds."""

    at: dict[tuple[str, ...], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Once(Step):
    """The steps; their refusal is remembered by `key` for some seconds, in which `reply` is all that is said."""

    key: tuple[Expression, ...]
    seconds: float
    reply: Reply
    steps: Steps

    def judge(self, case: Case) -> Verdict | None:
        key = tuple(text_of(case.evaluator.value(part)) for part in self.key)
        refused = case.session.recall(Refusals).at.get(key)
        if refused is not None and abs(case.now - refused) < self.seconds:
            return case.refused(self.reply.answer(case))
        verdict = judge(self.steps, case)
        if verdict is not None and verdict.outcome is Outcome.REFUSED:
            with case.session.changing(Refusals) as refusals:
                if len(refusals.at) >= _MOST:
                    refusals.at.clear()
                refusals.at[key] = case.now
        return verdict
