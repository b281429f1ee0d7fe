"""What the steps of a contract can refuse with, found without a request; and how each of these answers is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.twin import credentials
from peertape.proxy.engine.twin.case import Case
from peertape.proxy.engine.twin.chains import Chain
from peertape.proxy.engine.twin.expressions import Expression, Template
from peertape.proxy.engine.twin.repeats import Each, Once, elements
from peertape.proxy.engine.twin.replies import Reply
from peertape.proxy.engine.twin.steps import (
    Answered,
    Find,
    Let,
    Login,
    LoginNow,
    Right,
    Step,
    Steps,
    Use,
    Validate,
    When,
)
from peertape.proxy.engine.twin.verdict import Verdict

ERRORS = 400  # and above
LOGIN = ((401, "unauthorized_request"), (401, "invalid_token"), (400, "invalid_request"))

Trail = tuple[Step, ...]
Make = Callable[[Case], Answer]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One that a `validate` step can refuse."""

    step: Validate
    chain: Chain
    trail: Trail

    @property
    def name(self) -> str:
        return self.chain.path


@dataclass(frozen=True, slots=True)
class Possible:
    """`said`: the detail or the text, with holes; None where there is no text, or (`parameter`) a validation's.

    `trail`: the steps that come before it, which bind the names that its text needs. `right`: the one that is lacking.
    """

    status: int
    trail: Trail
    said: Template | None = None
    code: str | None = None
    make: Make | None = None
    json: Expression | None = None
    right: str | None = None
    parameter: Parameter | None = None


def spelled(template: Template) -> str:
    """For people: the holes as the rules write them."""
    return "".join(part if isinstance(part, str) else f"{{{part.text}}}" for part in template.parts)


def expression_of(template: Template) -> re.Pattern[str]:
    """Matches the text, whatever stands in its holes."""
    parts = (re.escape(part) if isinstance(part, str) else ".*" for part in template.parts)
    return re.compile("".join(parts), re.DOTALL)


def possible(steps: Steps) -> Iterator[Possible]:
    """In PeerTube's order; the same answer may come several times."""
    yield from _walk(steps, (), frozenset())


def _walk(steps: Steps, trail: Trail, inside: frozenset[str]) -> Iterator[Possible]:
    for step in steps:
        yield from _of(step, trail, inside)
        trail = (*trail, step)


def _of(step: Step, trail: Trail, inside: frozenset[str]) -> Iterator[Possible]:
    match step:
        case Login():
            yield from _login(trail, optional=step.optional)
        case LoginNow():
            yield _reply(step.reply, trail)
            yield from _login(trail, optional=True)
        case Right():
            yield _right(step, trail)
        case Validate():
            for chain in step.chains:
                if chain.can_fail:
                    yield Possible(400, trail, parameter=Parameter(step, chain, trail))
        case Find():
            yield _reply(step.reply, (*trail, step))  # which keeps what was asked for
        case Answered() if step.reply.status >= ERRORS:
            yield _reply(step.reply, trail)
        case When():
            yield from _walk(step.then, trail, inside)
            yield from _walk(step.otherwise, trail, inside)
        case Use() if step.name not in inside:
            yield from _walk(step.procedures[step.name], (*trail, Let(step.given)), inside | {step.name})
        case Each():
            yield from _walk(step.steps, (*trail, _First(step.name, step.values)), inside)
        case Once():
            yield _reply(step.reply, trail)
            yield from _walk(step.steps, trail, inside)


def _login(trail: Trail, *, optional: bool) -> Iterator[Possible]:
    for status, code in LOGIN[1 if optional else 0 :]:
        yield Possible(status, trail, Template((credentials.DETAIL,)), code, _refused_login(status, code))


def _refused_login(status: int, code: str) -> Make:
    return lambda case: _answer(case.problem(status, credentials.DETAIL, code=code))


def _right(step: Right, trail: Trail) -> Possible:
    number = step.roles.number(step.name)
    said = Template.of(f"User {{me.username}} does not have right {number} to access to {{request.path}}.")

    def make(case: Case) -> Answer:
        name = case.evaluator.value(Expression.of("me.username"))
        return _answer(case.problem(403, f"User {name} does not have right {number} to access to {case.path_below}."))

    return Possible(403, trail, said, None, make, right=step.name)


def _reply(reply: Reply, trail: Trail) -> Possible:
    return Possible(reply.status, trail, reply.text or reply.detail, reply.code, reply.answer, reply.json)


def _answer(verdict: Verdict) -> Answer:
    assert verdict.answer is not None
    return verdict.answer


@dataclass(frozen=True, slots=True)
class _First(Step):
    """Of the elements that an `each` goes through, for its steps to be looked at alone."""

    name: str
    values: Expression

    def judge(self, case: Case) -> Verdict | None:
        if values := elements(self.values, case):
            case.bind_all({self.name: values[0], "index": 0})
        return None
