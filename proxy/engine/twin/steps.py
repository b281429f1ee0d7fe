"""The steps of a contract. Each looks at the case and either has the verdict or lets the next one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peertape.proxy.engine.twin import credentials
from peertape.proxy.engine.twin.case import Case
from peertape.proxy.engine.twin.chains import Chain
from peertape.proxy.engine.twin.expressions import Expression, Template
from peertape.proxy.engine.twin.replies import Reply
from peertape.proxy.engine.twin.rights import Roles
from peertape.proxy.engine.twin.verdict import Outcome, Verdict

ACCEPTED = Verdict(Outcome.ACCEPTED)


class Step:
    def judge(self, case: Case) -> Verdict | None:
        raise NotImplementedError


Steps = Sequence[Step]


def judge(steps: Steps, case: Case) -> Verdict | None:
    """The first verdict that a step has."""
    for step in steps:
        if verdict := step.judge(case):
            return verdict
    return None


@dataclass(frozen=True, slots=True)
class Login(Step):
    """`optional`: only a token that is presented is judged."""

    optional: bool = False

    def judge(self, case: Case) -> Verdict | None:
        if case.logged_in:
            return None
        if self.optional and "authorization" not in case.given.headers:
            case.anonymous = True
            return None
        return _log_in(case)


@dataclass(frozen=True, slots=True)
class LoginNow(Step):
    """For what only some of a route's resources ask. Its own answer is for those whom an optional login let pass."""

    reply: Reply

    def judge(self, case: Case) -> Verdict | None:
        if case.logged_in:
            return None
        if case.anonymous:
            return case.refused(self.reply.answer(case))
        return _log_in(case)


def _log_in(case: Case) -> Verdict | None:
    if refusal := credentials.refusal(case.given, case.bearer):
        return case.problem(refusal.status, credentials.DETAIL, code=refusal.code)
    case.logged_in, case.me = True, case.bearer.user
    case.bind("me", case.me)
    return None


@dataclass(frozen=True, slots=True)
class Docs(Step):
    """The operation that is named from here on: some routers say it late."""

    operation: str

    def judge(self, case: Case) -> Verdict | None:
        case.docs = self.operation
        return None


@dataclass(frozen=True, slots=True)
class Right(Step):
    name: str
    roles: Roles

    def judge(self, case: Case) -> Verdict | None:
        if case.me is not None and self.roles.has_right(case.me, self.name):
            return None
        name = case.me.tell("username") if case.me else ""
        number = self.roles.number(self.name)
        return case.problem(403, f"User {name} does not have right {number} to access to {case.path_below}.")


@dataclass(frozen=True, slots=True)
class Validate(Step):
    chains: tuple[Chain, ...]

    def judge(self, case: Case) -> Verdict | None:
        found: dict[str, dict[str, Any]] = {}
        for chain in self.chains:
            for error in chain.errors(case.given, case.evaluator):
                found.setdefault(error["path"], error)
        return validation(case, found) if found else None


def validation(case: Case, found: Mapping[str, Any]) -> Verdict:
    """Refuses parameters; `found`: the error of each by its path."""
    return case.problem(
        400,
        f"Incorrect request parameters: {', '.join(found)}",
        instance=case.request.target,
        data={"invalid-params": found},
    )


@dataclass(frozen=True, slots=True)
class Find(Step):
    """`reply`: what is answered where nothing has that key."""

    kind: str
    key: Expression
    name: str
    by: str | None
    reply: Reply

    def judge(self, case: Case) -> Verdict | None:
        key = case.evaluator.value(self.key)
        case.asked[self.name] = key
        entity = case.world.known(self.kind, key, self.by)
        if entity is None:
            return case.refused(self.reply.answer(case))
        case.bind(self.name, entity)
        return None


@dataclass(frozen=True, slots=True)
class Let(Step):
    names: Mapping[str, Expression]

    def judge(self, case: Case) -> Verdict | None:
        for name, expression in self.names.items():
            case.bind(name, case.evaluator.value(expression))
        return None


@dataclass(frozen=True, slots=True)
class Answered(Step):
    """`refuse` and `answer`."""

    that: Expression
    outcome: Outcome
    reply: Reply

    def judge(self, case: Case) -> Verdict | None:
        if not case.evaluator.value(self.that):
            return None
        return Verdict(self.outcome, self.reply.answer(case))


@dataclass(frozen=True, slots=True)
class Stop(Step):
    """`accept` and `undecided`."""

    that: Expression
    outcome: Outcome

    def judge(self, case: Case) -> Verdict | None:
        return Verdict(self.outcome, why=self.that.text) if case.evaluator.value(self.that) else None


@dataclass(frozen=True, slots=True)
class When(Step):
    that: Expression
    then: Steps
    otherwise: Steps

    def judge(self, case: Case) -> Verdict | None:
        return judge(self.then if case.evaluator.value(self.that) else self.otherwise, case)


@dataclass(frozen=True, slots=True)
class Use(Step):
    """A procedure; its steps are looked up when it is used, for procedures may use each other."""

    name: str
    procedures: Mapping[str, Steps]
    given: Mapping[str, Expression]

    def judge(self, case: Case) -> Verdict | None:
        case.bind_all({name: case.evaluator.value(expression) for name, expression in self.given.items()})
        return judge(self.procedures[self.name], case)


def templates(headers: Mapping[str, str]) -> tuple[tuple[str, Template], ...]:
    return tuple((name, Template.of(str(text))) for name, text in headers.items())
