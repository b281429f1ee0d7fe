"""The contracts, compiled from their data: routes with steps and effects. Whatever is misspelled is an error here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from peertape.config import contracts as data
from peertape.proxy.engine.twin import replies
from peertape.proxy.engine.twin.chains import Vocabulary
from peertape.proxy.engine.twin.effects import Effect, effects
from peertape.proxy.engine.twin.errors import ContractError
from peertape.proxy.engine.twin.expressions import Expression
from peertape.proxy.engine.twin.facts import Kind
from peertape.proxy.engine.twin.framing import Cached, Form
from peertape.proxy.engine.twin.repeats import Each, Once
from peertape.proxy.engine.twin.rights import Roles
from peertape.proxy.engine.twin.routes import Routes
from peertape.proxy.engine.twin.steps import (
    Answered,
    Docs,
    Find,
    Let,
    Login,
    LoginNow,
    Right,
    Step,
    Steps,
    Stop,
    Use,
    Validate,
    When,
)
from peertape.proxy.engine.twin.verdict import Outcome

_ANSWER = replies.WORDS
_ALLOWED = {
    "login": frozenset({"status", "detail", "code"}),
    "right": frozenset[str](),
    "validate": frozenset[str](),
    "find": _ANSWER | {"as", "by"},
    "let": frozenset[str](),
    "refuse": _ANSWER,
    "answer": _ANSWER,
    "when": frozenset({"steps", "else"}),
    "use": frozenset({"given"}),
    "each": frozenset({"steps"}),
    "once": _ANSWER | {"seconds", "steps"},
    "accept": frozenset[str](),
    "undecided": frozenset[str](),
    "form": frozenset[str](),
    "cached": frozenset[str](),
    "docs": frozenset[str](),  # the last: other steps have a member of that name
}
_NEEDED = {"each": frozenset({"steps"}), "once": frozenset({"seconds", "steps"})}


@dataclass(frozen=True, slots=True)
class Contract:
    """Of one operation. `name` as in the data: `GET /api/v1/videos/{id}`."""

    name: str
    at: str
    docs: str | None
    by_host: bool  # what it answers hangs on the Host: a recorded success stands only for our own
    steps: Steps
    effects: Sequence[Effect]
    pieces: str | None = None  # its part in an upload in pieces: begin, put or cancel


@dataclass(frozen=True, slots=True)
class Book:
    """All contracts of a version."""

    routes: Routes[Contract]
    contracts: tuple[Contract, ...]
    kinds: Mapping[str, Kind]
    configuration: Mapping[str, Any]
    roles: Roles


@cache
def book(version: str) -> Book:
    return compiled(data.contracts(version), data.rights(version))


def compiled(source: data.Contracts, rights: data.Rights) -> Book:
    """Raises ContractError."""
    compiler = _Compiler(source, Roles(rights))
    routes: Routes[Contract] = Routes()
    all_contracts: list[Contract] = []
    for name, route in source.routes.items():
        methods, _, path = name.partition(" ")
        if not path.startswith("/"):
            raise ContractError(f"{name!r} is no route; write for example GET /api/v1/videos")
        contract = compiler.contract(name, route)
        all_contracts.append(contract)
        for method in methods.split("|"):
            routes.add(method, path, contract)
    return Book(routes, tuple(all_contracts), compiler.kinds, source.configuration, compiler.roles)


class _Compiler:
    def __init__(self, source: data.Contracts, roles: Roles) -> None:
        self._source = source
        self.roles = roles
        self.kinds: dict[str, Kind] = {}
        for name, kind in source.kinds.items():
            with _within(f"kind {name}"):
                self.kinds[name] = _kind(name, kind)
        for name, kind in source.kinds.items():
            with _within(f"kind {name}"):
                for part in kind.parts.values():
                    self._demand_kind(part)
        self._vocabulary = Vocabulary(source.checks, source.words, source.chains)
        for name in source.checks:
            with _within(f"check {name}"):
                self._vocabulary.prove(name)
        for name, items in source.words.items():
            with _within(f"words {name}"):
                self._vocabulary.words(items)
        for name, items in source.chains.items():
            with _within(f"chains {name}"):
                self._vocabulary.chains(items)
        self._procedures: dict[str, Steps] = {}
        for name, items in source.procedures.items():
            with _within(f"procedure {name}"):
                self._procedures[name] = self._steps(items)
        for name, items in source.consequences.items():
            with _within(f"consequence {name}"):
                effects(items, source.consequences, self.kinds)

    def contract(self, name: str, route: data.RouteData) -> Contract:
        with _within(name):
            found = effects(route.effects, self._source.consequences, self.kinds)
            return Contract(name, route.at, route.docs, route.by_host, self._steps(route.steps), found, route.pieces)

    def _steps(self, items: Any) -> Steps:
        if not isinstance(items, (list, tuple)):
            raise ContractError(f"steps are a list, not {items!r}")
        return tuple(self._step(item) for item in items)

    def _step(self, item: Any) -> Step:
        if not isinstance(item, dict):
            raise ContractError(f"{item!r} is no step")
        word = next((word for word in _ALLOWED if word in item), None)
        if word is None:
            raise ContractError(f"{item!r} is no step")
        if strange := item.keys() - _ALLOWED[word] - {word}:
            raise ContractError(f"a step `{word}` has no {', '.join(sorted(strange))}")
        if lacking := _NEEDED.get(word, frozenset()) - item.keys():
            raise ContractError(f"a step `{word}` needs {', '.join(sorted(lacking))}")
        what = item[word]
        match word:
            case "login":
                if what not in ("required", "optional", "now"):
                    raise ContractError(f"login is required, optional or now, not {what!r}")
                return (
                    LoginNow(replies.reply(item, 401, "Not authenticated"))
                    if what == "now"
                    else Login(what == "optional")
                )
            case "docs":
                return Docs(str(what))
            case "form":
                return Form(None if what == "any" else frozenset(what))
            case "cached":
                return Cached(int(what))
            case "right":
                self.roles.number(what)
                return Right(what, self.roles)
            case "validate":
                return Validate(self._vocabulary.chains(what))
            case "find":
                ((kind, key),) = what.items()
                self._demand_kind(kind)
                missing = replies.reply(item, 404, self.kinds[kind].missing)
                return Find(kind, Expression.of(key), item.get("as", kind), item.get("by"), missing)
            case "let":
                return Let({name: Expression.of(value) for name, value in what.items()})
            case "refuse":
                return Answered(Expression.of(what), Outcome.REFUSED, replies.reply(item, 400))
            case "answer":
                return Answered(Expression.of(what), Outcome.ACCEPTED, replies.reply(item, 200))
            case "when":
                return When(Expression.of(what), self._steps(item.get("steps", ())), self._steps(item.get("else", ())))
            case "each":
                ((name, values),) = what.items()
                return Each(name, Expression.of(values), self._steps(item["steps"]))
            case "once":
                key = tuple(Expression.of(part) for part in what)
                return Once(key, float(item["seconds"]), replies.reply(item, 403), self._steps(item["steps"]))
            case "use":
                if what not in self._source.procedures:
                    raise ContractError(f"there is no procedure {what!r}")
                given = {name: Expression.of(value) for name, value in item.get("given", {}).items()}
                return Use(what, self._procedures, given)
            case _:
                return Stop(Expression.of(what), Outcome.ACCEPTED if word == "accept" else Outcome.UNDECIDED)

    def _demand_kind(self, kind: str) -> None:
        if kind not in self.kinds:
            raise ContractError(f"there is no kind {kind!r}")


def _kind(name: str, kind: data.KindData) -> Kind:
    derived = {member: Expression.of(value) for member, value in kind.derive.items()}
    return Kind(name, kind.missing, kind.keys, kind.defaults, kind.parts, derived, kind.single)


class _within:  # noqa: N801 (reads as what it does: `with _within(...)`)
    """Says where, when the data is wrong."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, (ContractError, AttributeError, LookupError, TypeError, ValueError)):
            raise ContractError(f"{self._where}: {error}") from error
