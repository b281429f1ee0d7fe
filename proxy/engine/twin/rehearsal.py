"""A documented error made for a request that has not earned it: what its text names is found out, or filled in.

The steps before it are run for what they bind, whatever they say. A hole whose value is not known then gets the
request's own parameter of that name, else its first parameter of the path, else the name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.twin.case import Case
from peertape.proxy.engine.twin.catalogue import Choice
from peertape.proxy.engine.twin.chains import ANYWHERE, INVALID, Chain, Demand
from peertape.proxy.engine.twin.expressions import Evaluator, Expression
from peertape.proxy.engine.twin.facts import Entity, Kind
from peertape.proxy.engine.twin.given import Given
from peertape.proxy.engine.twin.possible import Parameter, Possible, Trail
from peertape.proxy.engine.twin.steps import validation
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import ABSENT, exists, text_of

SOMEBODY = "user"  # where nobody is logged in and nobody is known
PROBES: tuple[Any, ...] = ("invalid", "", -1, [], {}, "x" * 200)  # what parameters do not like
_TEXTS = ("params", "query", "headers", "cookies")  # hold nothing but texts
_WRONG_FILE = {"filename": "invalid.txt", "type": "text/plain", "size": 1}


def made(choice: Choice, case: Case) -> Answer:
    """`case`: of its own, since the steps change it."""
    what = choice.documented.what
    assert what is not None
    if what.parameter is not None:
        parameters = choice.documented.parameters
        return _invalid(parameters[choice.parameter or next(iter(parameters))], case)
    _rehearse(what.trail, case)
    if case.me is None:
        case.me = _somebody(case, what)
        case.bind("me", case.me)
    case.evaluator = _Obliging(case)
    assert what.make is not None
    return what.make(case)


def _rehearse(trail: Trail, case: Case) -> None:
    for step in trail:
        with suppress(Undecided):
            step.judge(case)


def _somebody(case: Case, what: Possible) -> Entity:
    """A user for the text to name; one without the right that is lacking, if that is what it says."""
    kind = case.world.kinds.get("user")
    users: list[Entity] = []
    with suppress(Undecided):  # a large cassette does not tell of all
        users = case.world.all_of("user", {}) if kind else []
    for user in users:
        with suppress(Undecided):
            lacks = what.right is None or not case.evaluator.with_names(user=user).value(
                Expression.of(f"has_right(user, {what.right!r})")
            )
            if lacks and user.tell("username"):
                return user
    return Entity(kind or Kind("user"), {"username": SOMEBODY})


class _Obliging(Evaluator):
    """Has a value for everything."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.evaluator.names, case.evaluator.functions)
        self._case = case

    def value(self, expression: Expression) -> Any:
        with suppress(Undecided):
            value = super().value(expression)
            if exists(value) and value != "":
                return value
        return _stand_in(expression, self._case)


def _stand_in(expression: Expression, case: Case) -> str:
    given = case.given
    names = list(_names(expression.tree))
    for name in names:
        for holder in (given.body, given.query, given.params, case.asked):
            value = holder.get(name) if isinstance(holder, dict) else None
            if exists(value) and isinstance(value, (str, int)) and text_of(value):
                return text_of(value)
    if any(isinstance(node, ast.BinOp) for node in ast.walk(expression.tree)):
        return "1"  # a number
    return next(iter(given.params.values()), None) or next(iter(names), "value")


def _names(tree: ast.AST) -> Iterator[str]:
    """Those of an expression, the outermost first: `video.uuid` is uuid, then video."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def _invalid(parameter: Parameter, case: Case) -> Answer:
    _rehearse(parameter.trail, case)
    error = _own_error(parameter.chain, case) or _probed(parameter.chain, case) or _written(parameter.chain, case)
    verdict = validation(case, {error["path"]: error})
    assert verdict.answer is not None
    return verdict.answer


def _own_error(chain: Chain, case: Case, given: Given | None = None) -> dict[str, Any] | None:
    """What PeerTube says to the parameter as it is given; None if it likes it."""
    with suppress(Undecided):
        return next(chain.errors(given or case.given, case.evaluator), None)
    return None


def _probed(chain: Chain, case: Case) -> dict[str, Any] | None:
    """What PeerTube would say to a wrong value, told of the request's own value if there is one."""
    location = "body" if chain.location == ANYWHERE else chain.location
    path = chain.path.partition(".*")[0]
    own = case.given.at(location, path)
    for value in PROBES:
        if location in _TEXTS and not isinstance(value, str):
            continue
        given = deepcopy(case.given)
        if not isinstance(getattr(given, location), dict):
            setattr(given, location, {})
        given.put(location, path, [value] if path != chain.path else value)
        given.files = {**given.files, path: [_WRONG_FILE]}
        error = _own_error(chain, case, given)
        if error is not None:
            return error if own is ABSENT or path != chain.path else {**error, "value": own}
    return None


def _written(chain: Chain, case: Case) -> dict[str, Any]:
    """With the first message of the rules, where no wrong value was found."""
    location = "body" if chain.location == ANYWHERE else chain.location
    message = next((word.message for word in chain.words if isinstance(word, Demand) and word.message), None)
    value = case.given.at(location, chain.path)
    case.bind("value", None if value is ABSENT else value)
    said = message.filled(_Obliging(case)) if message else INVALID
    error = {"type": "field", "value": value, "msg": said, "path": chain.path, "location": location}
    return {name: member for name, member in error.items() if member is not ABSENT}
