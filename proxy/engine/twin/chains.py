"""Chains of sanitizers and checks over a parameter, run as express-validator runs them, and the errors they find."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from peertape.proxy.engine.twin.checks import CHECKS, Check, ThrownError
from peertape.proxy.engine.twin.errors import ContractError
from peertape.proxy.engine.twin.expressions import Evaluator, Expression, Template
from peertape.proxy.engine.twin.given import Given, Location
from peertape.proxy.engine.twin.sanitizers import SANITIZERS, Sanitizer
from peertape.proxy.engine.twin.values import ABSENT, checked_text, exists, truthy

LOCATIONS = ("body", "query", "params", "headers", "cookies")
ANYWHERE = "any"
INVALID = "Invalid value"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a word of a chain works on: one parameter of one request."""

    given: Given
    location: Location
    path: str
    evaluator: Evaluator
    errors: list[dict[str, Any]]

    @property
    def value(self) -> Any:
        return self.given.at(self.location, self.path)

    def fail(self, message: str, value: Any) -> None:
        error = {"type": "field", "value": value, "msg": message, "path": self.path, "location": self.location}
        self.errors.append({name: member for name, member in error.items() if member is not ABSENT})

    def seeing(self, value: Any) -> Evaluator:
        return self.evaluator.with_names(value=None if value is ABSENT else value)


class Word:
    def apply(self, subject: Subject) -> bool:
        """False ends the chain."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Optional(Word):
    """`null`, `falsy`: such values end the chain too."""

    null: bool = False
    falsy: bool = False

    def apply(self, subject: Subject) -> bool:
        value = subject.value
        if self.falsy:
            return truthy(value)
        return exists(value) if self.null else value is not ABSENT


@dataclass(frozen=True, slots=True)
class Bail(Word):
    def apply(self, subject: Subject) -> bool:
        return not subject.errors


@dataclass(frozen=True, slots=True)
class If(Word):
    that: Expression

    def apply(self, subject: Subject) -> bool:
        return bool(subject.seeing(subject.value).value(self.that))


@dataclass(frozen=True, slots=True)
class Sanitize(Word):
    sanitizer: Sanitizer

    def apply(self, subject: Subject) -> bool:
        before = subject.value
        after = self.sanitizer(before)
        if after is not ABSENT and (type(after) is not type(before) or after != before):
            subject.given.put(subject.location, subject.path, after)
        return True


@dataclass(frozen=True, slots=True)
class Default(Word):
    """A value for what is absent, null or the empty text."""

    value: Any

    def apply(self, subject: Subject) -> bool:
        before = subject.value
        if not exists(before) or before == "":
            subject.given.put(subject.location, subject.path, self.value)
        return True


class Test:
    """What a value must be; raises ThrownError to say why not in its own words."""

    of_texts = False

    def holds(self, value: Any, subject: Subject) -> bool:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Atom(Test):
    check: Check
    arguments: Mapping[str, Any]
    bounds: Mapping[str, Expression]  # `min` and `max` that depend on what is known

    @property
    def of_texts(self) -> bool:  # type: ignore[override]
        return self.check.of == "texts"

    def holds(self, value: Any, subject: Subject) -> bool:
        seen = subject.given.files if self.check.of == "files" else value
        if self.check.of == "texts":
            seen = checked_text(value)
        bounds = {name: subject.evaluator.value(bound) for name, bound in self.bounds.items()}
        return self.check.test(seen, **self.arguments, **bounds)


@dataclass(frozen=True, slots=True)
class That(Test):
    that: Expression

    def holds(self, value: Any, subject: Subject) -> bool:
        return bool(subject.seeing(value).value(self.that))


@dataclass(frozen=True, slots=True)
class Composed(Test):
    """All of the tests (`any_of`: one of them), each `negated` or not."""

    tests: Sequence[tuple[Test, bool]]
    any_of: bool = False

    def holds(self, value: Any, subject: Subject) -> bool:
        results = (test.holds(value, subject) is not negated for test, negated in self.tests)
        return any(results) if self.any_of else all(results)


@dataclass(frozen=True, slots=True)
class Each(Test):
    """Every element of a list, or every member's value of an object."""

    test: Test

    def holds(self, value: Any, subject: Subject) -> bool:
        if not isinstance(value, (list, dict)):
            return False
        return all(self.test.holds(item, subject) for item in (value.values() if isinstance(value, dict) else value))


@dataclass(frozen=True, slots=True)
class Demand(Word):
    """A check of the chain, with its message."""

    test: Test
    message: Template | None
    negated: bool = False

    def apply(self, subject: Subject) -> bool:
        value = subject.value
        for item in value if self.test.of_texts and isinstance(value, list) else [value]:
            thrown = None
            try:
                failed = self.test.holds(item, subject) is self.negated
            except ThrownError as error:
                failed, thrown = not self.negated, str(error)
            if failed:
                said = self.message.filled(subject.seeing(item)) if self.message else thrown or INVALID
                subject.fail(said, item)
        return True


@dataclass(frozen=True, slots=True)
class Chain:
    location: Location
    path: str
    words: tuple[Word, ...]

    @property
    def can_fail(self) -> bool:
        return any(isinstance(word, Demand) for word in self.words)

    def errors(self, given: Given, evaluator: Evaluator) -> Iterator[dict[str, Any]]:
        for location in LOCATIONS if self.location == ANYWHERE else (self.location,):
            for path in _paths(given, location, self.path):
                if self.location == ANYWHERE and given.at(location, path) is ABSENT and location != "body":
                    continue
                subject = Subject(given, location, path, evaluator, [])
                for word in self.words:
                    if not word.apply(subject):
                        break
                yield from subject.errors


def _paths(given: Given, location: Location, path: str) -> list[str]:
    """The path, or with a `*` in it one for each element there is."""
    before, star, after = path.partition(".*")
    if not star:
        return [path]
    holder = given.at(location, before)
    if isinstance(holder, list):
        return [f"{before}[{index}]{after}" for index in range(len(holder))]
    return [f"{before}.{name}{after}" for name in holder] if isinstance(holder, dict) else []


class Vocabulary:
    """The sections `checks`, `words` and `chains`, made ready when they are first used."""

    def __init__(self, checks: Mapping[str, Any], words: Mapping[str, Any], chains: Mapping[str, Any]) -> None:
        self._checks = checks
        self._words = words
        self._chains = chains
        self._tests: dict[str, Test] = {}

    def chains(self, items: Sequence[Any]) -> tuple[Chain, ...]:
        """The chains of a `validate` step; `items` as YAML gives them."""
        out: list[Chain] = []
        for item in items:
            if not isinstance(item, dict) or len(item) != 1:
                raise ContractError(f"a chain is `LOCATION.NAME: [words]`, not {item!r}")
            ((name, words),) = item.items()
            if name == "use":
                if words not in self._chains:
                    raise ContractError(f"there are no chains {words!r}")
                out += self.chains(self._chains[words])
                continue
            location, dot, path = name.partition(".")
            if location not in (*LOCATIONS, ANYWHERE) or not dot:
                raise ContractError(f"{name!r} does not say where a parameter stands")
            out.append(Chain(location, path, self.words(words)))
        return tuple(out)

    def words(self, items: Any) -> tuple[Word, ...]:
        return tuple(self._all_words(items))

    def _all_words(self, items: Any) -> Iterator[Word]:
        if not isinstance(items, list):
            raise ContractError(f"words are a list, not {items!r}")
        for item in items:
            if isinstance(item, str) and item in self._words:
                yield from self._all_words(self._words[item])
            else:
                yield self._word(item)

    def _word(self, item: Any) -> Word:
        simple = {
            "optional": Optional(),
            "optional-null": Optional(null=True),
            "optional-falsy": Optional(falsy=True),
            "bail": Bail(),
        }
        if isinstance(item, str):
            if item in simple:
                return simple[item]
            if item in SANITIZERS:
                return Sanitize(SANITIZERS[item])
            return Demand(self.test(item), None)
        if not isinstance(item, dict):
            raise ContractError(f"{item!r} is no word of a chain")
        if "if" in item and len(item) == 1:
            return If(Expression.of(item["if"]))
        if "default" in item and len(item) == 1:
            return Default(item["default"])
        if item.keys() & {"all", "any"} and len(item) == 1:
            return Demand(self.test(item), None)
        if "is" not in item and "not" not in item and len(item) == 1:
            ((name, message),) = item.items()
            return Demand(self.test(name), Template.of(str(message)))
        message = item.get("message")
        negated = "not" in item and "is" not in item
        rest = {name: value for name, value in item.items() if name != "message"}
        if negated:
            rest["is"] = rest.pop("not")
        return Demand(self.test(rest), None if message is None else Template.of(str(message)), negated)

    def prove(self, name: str) -> None:
        """That the check `name` can be used; arguments that it lacks may be added where it is."""
        spec = self._checks[name]
        base = spec.get("is") if isinstance(spec, dict) else None
        if base not in CHECKS:
            self.test(name)

    def test(self, item: Any) -> Test:
        """A check's name, `{is: name, argument: ...}`, or `{all|any|not: ...}`."""
        if isinstance(item, str):
            if item in self._checks:
                if item not in self._tests:
                    self._tests[item] = self.test(self._checks[item])
                return self._tests[item]
            if item in CHECKS:
                return Atom(CHECKS[item], {}, {})
            raise ContractError(f"there is no check or sanitizer {item!r}")
        if isinstance(item, list):
            return Composed([(self.test(part), False) for part in item])
        if not isinstance(item, dict):
            raise ContractError(f"{item!r} is no check")
        arguments = dict(item)
        name = arguments.pop("is", None)
        match name:
            case None if len(arguments) == 1:
                ((word, inner),) = arguments.items()
                if word == "not":
                    return Composed([(self.test(inner), True)])
                if word in ("all", "any") and isinstance(inner, list):
                    return Composed([(self.test(part), False) for part in inner], any_of=word == "any")
                raise ContractError(f"{item!r} is no check")
            case "true-when":
                return That(Expression.of(arguments.pop("that")))
            case "each":
                return Each(self.test(arguments.pop("check")))
            case str() if name in self._checks and not arguments:
                return self.test(name)
            case str() if isinstance(self._checks.get(name), dict) and "is" in self._checks[name]:
                return self.test({**self._checks[name], **arguments})
            case str() if name in CHECKS:
                return _atom(CHECKS[name], name, arguments)
            case dict() | list() if not arguments:
                return self.test(name)
        raise ContractError(f"there is no check {item!r}")


def _atom(check: Check, name: str, arguments: Mapping[str, Any]) -> Atom:
    """The arguments are tried: a misspelled one is an error now, not when a request comes."""
    bounds = {b: Expression.of(arguments[b]) for b in ("min", "max") if isinstance(arguments.get(b), str)}
    fixed = {argument: value for argument, value in arguments.items() if argument not in bounds}
    try:
        partial(check.test, **fixed, **dict.fromkeys(bounds, 0))({} if check.of == "files" else "")
        for pattern in ("pattern", "types"):
            if fixed.get(pattern):
                re.compile(fixed[pattern])
    except (TypeError, re.error) as error:
        raise ContractError(f"{name}: {error}") from error
    except ThrownError:
        pass
    return Atom(check, fixed, bounds)
