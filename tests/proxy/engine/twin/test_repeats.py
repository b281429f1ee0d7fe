"""Steps that repeat steps or remember refusals; and the forms of names in bodies and paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.twin.given import query_of
from peertape.proxy.engine.twin.routes import Routes
from peertape.proxy.engine.twin.verdict import Outcome
from tests.proxy.engine.twin.conftest import Judge

Judging = Callable[..., Judge]


def route(*steps: Any, key: str = "POST /api/v1/things", **more: Any) -> dict[str, Any]:
    return {key: {"steps": list(steps), **more}}


def text(answer: Answer) -> str:
    return read(answer.body).decode()


def test_each_element_is_judged_in_turn(judging: Judging) -> None:
    steps = [{"refuse": "task.size > 3", "text": "number {index}: {task.size}"}]
    judge = judging(routes=route({"each": {"task": "body.tasks"}, "steps": steps}))
    answer = judge.answer("POST", "/api/v1/things", body={"tasks": [{"size": 3}, {"size": 4}, {"size": 5}]})
    assert text(answer) == "number 1: 4"
    assert judge.verdict("POST", "/api/v1/things", body={"tasks": []}).outcome is Outcome.ACCEPTED


def test_a_refusal_is_told_once_in_so_many_seconds(judging: Judging) -> None:
    steps = [{"refuse": "query.who == 'eve'", "status": 403, "detail": "Not eve."}]
    judge = judging(
        routes=route({"once": ["query.who"], "seconds": 10, "text": "Forbidden", "steps": steps}, key="GET /files")
    )
    judge.session.clock.freeze(True)
    assert "Not eve." in text(judge.answer("GET", "/files?who=eve"))
    judge.session.clock.advance(9)
    assert text(judge.answer("GET", "/files?who=eve")) == "Forbidden"
    assert judge.verdict("GET", "/files?who=ada").outcome is Outcome.ACCEPTED
    judge.session.clock.advance(2)
    assert "Not eve." in text(judge.answer("GET", "/files?who=eve"))


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("undecided() or True", Outcome.REFUSED),
        ("True or undecided()", Outcome.REFUSED),
        ("undecided() and False", Outcome.ACCEPTED),
        ("False and undecided()", Outcome.ACCEPTED),
        ("undecided() or False", Outcome.UNDECIDED),
        ("undecided() and True", Outcome.UNDECIDED),
    ],
)
def test_what_is_open_may_not_matter(judging: Judging, expression: str, outcome: Outcome) -> None:
    judge = judging(routes=route({"refuse": expression, "detail": "x"}))
    assert judge.verdict("POST", "/api/v1/things").outcome is outcome


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        ("a[0][b]=1&a[0][c][d]=2&a[1][b]=3", {"a": [{"b": "1", "c": {"d": "2"}}, {"b": "3"}]}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0]=x&a[k]=y", {"a": {"0": "x", "k": "y"}}),
        ("a[30]=x", {"a": {"30": "x"}}),
    ],
)
def test_names_with_brackets(query: str, value: dict[str, Any]) -> None:
    assert query_of(query) == value


def test_a_parameter_may_say_what_it_looks_like() -> None:
    routes = Routes([("GET", "/files/{id}-{height:[0-9]+}.{ending:[^.]+}", "file")])
    found = routes.find("GET", "/files/1fa5ea17-1248-45ff-aea8-3a73faf5cd5a-720.mp4")
    assert found is not None
    assert found.params == {"id": "1fa5ea17-1248-45ff-aea8-3a73faf5cd5a", "height": "720", "ending": "mp4"}
    assert routes.find("GET", "/files/1fa5ea17-high.mp4") is None
