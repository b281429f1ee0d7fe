"""The contracts of PeerTube 6.3 as data: all of them load, and whatever they name exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from peertape.config import contracts as data
from peertape.config import facts
from peertape.proxy.engine.twin import asking, functions
from peertape.proxy.engine.twin.checks import CHECKS
from peertape.proxy.engine.twin.contract import Book, book
from peertape.proxy.engine.twin.effects import effects
from peertape.proxy.engine.twin.expressions import Expression
from peertape.proxy.engine.twin.repeats import Each
from peertape.proxy.engine.twin.sanitizers import SANITIZERS
from peertape.proxy.engine.twin.steps import Find, Let, Use
from peertape.proxy.engine.twin.world import World
from tests.proxy.engine.conftest import request

FOLDER = Path(data.__file__).parent / "peertube" / "6.3" / "contracts"
FILES = sorted(FOLDER.glob("*.yaml"))
MOST_LINES = 400
# The API description has them, the server has not: it cancels by POST, and has no such path.
ONLY_DESCRIBED = {"POST /api/v1/video-channel-syncs/{channelSyncId}/sync", "GET /api/v1/runners/jobs/{jobUUID}/cancel"}
OF_EVERY_CASE = frozenset(
    {"params", "query", "body", "headers", "cookies", "files", "me", "now", "config", "asked", "request"}
)
OF_EFFECTS = OF_EVERY_CASE | {"response", "response_headers", "status", "token", "this"}
WORDS_OF_PYTHON = frozenset({"None", "True", "False"})


@pytest.fixture(scope="module")
def rules() -> Book:
    return book("6.3")


@pytest.fixture(scope="module")
def known_functions(rules: Book) -> frozenset[str]:
    world = World(rules.kinds, {}, lambda _entity, _expression: None)
    return frozenset(
        {
            *functions.of_rules(rules.roles),
            *functions.of_world(world),
            *functions.of_secrets(lambda text, _guessable: frozenset({text})),
            *asking.of_request(request("GET", "/")),
            "is_our_host",
        }
    )


def parts(thing: Any) -> Iterator[Any]:
    """A compiled thing and all that stands in it; procedures are walked on their own."""
    yield thing
    if isinstance(thing, Expression):
        return
    if isinstance(thing, Use):
        yield from parts(thing.given)
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from parts(value)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from parts(value)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for field in fields(thing):
            yield from parts(getattr(thing, field.name))


def procedures(rules: Book) -> Mapping[str, Any]:
    """Of the whole version: every `use` holds them all."""
    return next(part.procedures for contract in rules.contracts for part in parts(contract.steps) if type(part) is Use)


def of_steps(rules: Book) -> list[tuple[str, Any]]:
    contracts = [(contract.name, contract.steps) for contract in rules.contracts]
    return contracts + [(f"procedure {name}", steps) for name, steps in procedures(rules).items()]


def of_effects(rules: Book) -> list[tuple[str, Any]]:
    source = data.contracts("6.3").consequences
    consequences = [(f"consequence {name}", effects(items, source, rules.kinds)) for name, items in source.items()]
    return [(contract.name, contract.effects) for contract in rules.contracts] + consequences


def expressions(rules: Book) -> Iterator[tuple[str, Expression]]:
    for name, thing in (*of_steps(rules), *of_effects(rules)):
        for part in parts(thing):
            if isinstance(part, Expression):
                yield name, part
    for kind in rules.kinds.values():
        for expression in kind.derived.values():
            yield f"kind {kind.name}", expression


def calls(rules: Book, *names: str) -> Iterator[tuple[str, list[Any]]]:
    """Of those functions, with the arguments that are texts; None for others."""
    for place, expression in expressions(rules):
        for node in ast.walk(expression.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                told = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
                yield f"{place}: {expression.text}", told


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_in_the_format_and_not_too_long(file: Path) -> None:
    text = file.read_text("utf-8")
    data.Contracts.model_validate(yaml.safe_load(text))
    assert len(text.splitlines()) <= MOST_LINES


def test_all_of_them_are_one_version(rules: Book) -> None:
    assert {contract.name for contract in rules.contracts} == set(data.contracts("6.3").routes)


def test_every_operation_of_the_api_has_a_contract(rules: Book) -> None:
    operations = [(method, path) for path, methods in facts.load().routes.items() for method in methods]
    assert len(operations) == 241
    without = {f"{method} {path}" for method, path in operations if rules.routes.find(method, example(path)) is None}
    assert without == ONLY_DESCRIBED


def example(path: str) -> str:
    """The API description forgets the UUID in the paths of HLS files, and says not which endings there are."""
    for name, value in {"{filename}": "00000000-0000-4000-8000-000000000000-240.mp4", "{format}": "xml"}.items():
        path = path.replace(name, value)
    return path.replace("{", "").replace("}", "")


def test_every_kind_that_is_named_exists(rules: Book) -> None:
    named = list(calls(rules, "known", "all_of", "count"))
    assert named
    assert not [place for place, arguments in named if arguments[0] not in rules.kinds]


def test_every_right_that_is_named_exists(rules: Book) -> None:
    named = [(place, arguments[1]) for place, arguments in calls(rules, "has_right") if arguments[1] is not None]
    assert named
    for place, right in named:
        assert rules.roles.number(right) >= 0, place


def test_every_check_and_sanitizer_that_is_named_exists(rules: Book) -> None:
    assert not [place for place, arguments in calls(rules, "check") if arguments[0] not in CHECKS]
    assert not [place for place, arguments in calls(rules, "sanitized") if arguments[0] not in SANITIZERS]


def test_every_function_that_is_called_exists(rules: Book, known_functions: frozenset[str]) -> None:
    called = {
        (node.func.id, place)
        for place, expression in expressions(rules)
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not [call for call in called if call[0] not in known_functions]


def test_every_name_is_bound_somewhere(rules: Book) -> None:
    """Names that steps bind are seen by the steps and procedures after them: a name must be bound by some step."""
    bound = {"value"}
    for _, steps in of_steps(rules):
        for part in parts(steps):
            if isinstance(part, (Let, Use)):
                bound.update(part.names if isinstance(part, Let) else part.given)
            elif isinstance(part, Find):
                bound.update({part.kind, part.name})
            elif isinstance(part, Each):
                bound.update({part.name, "index"})
    unknown = [
        (name, place)
        for place, expression in expressions(rules)
        for name in free_names(expression)
        if name not in bound | OF_EFFECTS
    ]
    assert not unknown


def free_names(expression: Expression) -> set[str]:
    nodes = list(ast.walk(expression.tree))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    used = {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called}
    return used - stored - WORDS_OF_PYTHON
