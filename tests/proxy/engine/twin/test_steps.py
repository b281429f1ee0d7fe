"""The steps of contracts, each over a small world."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.twin.verdict import Outcome
from tests.proxy.engine.conftest import Tape
from tests.proxy.engine.twin.conftest import Judge

Judging = Callable[..., Judge]


def document(answer: Answer) -> Any:
    return json.loads(read(answer.body))


def route(*steps: Any, key: str = "GET /api/v1/things/{id}", **more: Any) -> dict[str, Any]:
    return {key: {"steps": list(steps), **more}}


def test_a_refusal_is_a_problem_document_with_its_source(judging: Judging) -> None:
    judge = judging(routes=route({"refuse": True, "status": 409, "detail": "No {params.id} today."}, docs="getThing"))
    answer = judge.answer("GET", "/api/v1/things/7")
    assert (answer.status, answer.source, answer.source_text) == (409, Source.EMULATED, "emulated; rules=6.3")
    assert document(answer)["detail"] == "No 7 today."
    assert document(answer)["docs"].endswith("#operation/getThing")


def test_steps_that_all_pass_accept(judging: Judging) -> None:
    judge = judging(routes=route({"refuse": False, "detail": "x"}))
    assert judge.verdict("GET", "/api/v1/things/7").outcome is Outcome.ACCEPTED


def test_a_route_without_rules_is_not_decided(judging: Judging) -> None:
    assert judging().verdict("GET", "/api/v1/unheard-of").outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "unauthorized_request"),
        ("Basic abc", 400, "invalid_request"),
        ("Bearer ", 400, "invalid_request"),
        ("Bearer nobody-knows-it", 401, "invalid_token"),
    ],
)
def test_login_refuses_as_oauth_does(judging: Judging, authorization: str | None, status: int, code: str) -> None:
    headers = (("Authorization", authorization),) if authorization is not None else ()
    answer = judging(routes=route({"login": "required"})).answer("GET", "/api/v1/things/7", headers=headers)
    assert (answer.status, document(answer)["code"]) == (status, code)


def test_login_binds_the_asker(judging: Judging, tape: Tape) -> None:
    tape.login("ada", "ada-token")
    tape.add(
        "GET", "/api/v1/users/me", {"id": 3, "username": "ada", "role": {"id": 2, "label": "User"}}, token="ada-token"
    )
    judge = judging(
        routes=route({"login": "required"}, {"refuse": "me.role == 2", "detail": "{me.username} is {me.id}"})
    )
    assert document(judge.answer("GET", "/api/v1/things/7", token="ada-token"))["detail"] == "ada is 3"


def test_optional_login_lets_anonymous_pass_but_not_a_wrong_token(judging: Judging) -> None:
    judge = judging(routes=route({"login": "optional"}, {"accept": "me is None"}))
    assert judge.verdict("GET", "/api/v1/things/7").outcome is Outcome.ACCEPTED
    assert judge.answer("GET", "/api/v1/things/7", token="nobody").status == 401


def test_a_right_is_named_by_its_number_and_the_path_below_the_router(judging: Judging, tape: Tape) -> None:
    tape.login("ada", "ada-token")
    tape.add(
        "GET", "/api/v1/users/me", {"id": 3, "username": "ada", "role": {"id": 2, "label": "User"}}, token="ada-token"
    )
    rules = route({"login": "required"}, {"right": "SEE_ALL"}, at="/api/v1/things")
    answer = judging(routes=rules).answer("GET", "/api/v1/things/7?a=b", token="ada-token")
    assert answer.status == 403
    assert document(answer)["detail"] == "User ada does not have right 20 to access to /7."


@pytest.mark.parametrize(("role", "outcome"), [(0, Outcome.ACCEPTED), (1, Outcome.ACCEPTED), (2, Outcome.REFUSED)])
def test_rights_go_by_role(judging: Judging, tape: Tape, role: int, outcome: Outcome) -> None:
    tape.login("ada", "ada-token")
    tape.add(
        "GET", "/api/v1/users/me", {"id": 3, "username": "ada", "role": {"id": role, "label": "?"}}, token="ada-token"
    )
    judge = judging(routes=route({"login": "required"}, {"right": "SEE_ALL"}))
    assert judge.verdict("GET", "/api/v1/things/7", token="ada-token").outcome is outcome


def test_an_unknown_role_decides_nothing(judging: Judging, tape: Tape) -> None:
    tape.login("ada", "ada-token")
    judge = judging(routes=route({"login": "required"}, {"right": "SEE_ALL"}))
    assert judge.verdict("GET", "/api/v1/things/7", token="ada-token").outcome is Outcome.UNDECIDED


def test_validation_names_every_wrong_parameter(judging: Judging) -> None:
    rules = route(
        {"validate": [{"params.id": ["id"]}, {"query.sort": ["optional", {"is": "sortable", "columns": ["name"]}]}]}
    )
    answer = judging(routes=rules).answer("GET", "/api/v1/things/x?sort=size")
    assert answer.status == 400
    assert document(answer)["detail"] == "Incorrect request parameters: id, sort"
    assert document(answer)["instance"] == "/api/v1/things/x?sort=size"
    assert document(answer)["invalid-params"]["sort"] == {
        "type": "field",
        "value": "size",
        "msg": "Invalid value",
        "path": "sort",
        "location": "query",
    }


def test_find_refuses_what_does_not_exist_and_binds_what_does(judging: Judging, tape: Tape) -> None:
    tape.login("ada", "ada-token")
    tape.add("GET", "/api/v1/users/me", {"id": 3, "username": "ada"}, token="ada-token")
    judge = judging(routes=route({"find": {"user": "params.id"}}, {"refuse": True, "detail": "{user.username}"}))
    assert document(judge.answer("GET", "/api/v1/things/3"))["detail"] == "ada"
    assert document(judge.answer("GET", "/api/v1/things/4"))["detail"] == "User not found"
    assert judge.answer("GET", "/api/v1/things/4").status == 404


def test_what_nothing_recorded_told_is_not_decided(judging: Judging, tape: Tape) -> None:
    tape.login("ada", "ada-token")
    tape.add("GET", "/api/v1/users/me", {"id": 3, "username": "ada"}, token="ada-token")
    judge = judging(routes=route({"find": {"user": "params.id"}}, {"refuse": "user.blocked", "detail": "x"}))
    verdict = judge.verdict("GET", "/api/v1/things/3")
    assert (verdict.outcome, verdict.why) == (Outcome.UNDECIDED, "user.blocked")


def test_branches_procedures_and_names(judging: Judging) -> None:
    judge = judging(
        procedures={"refuse-large": [{"refuse": "size > 5", "detail": "{size} is too large"}]},
        routes=route(
            {"let": {"size": "number(params.id)"}},
            {"when": "size > 100", "steps": [{"accept": True}], "else": [{"use": "refuse-large"}]},
            {"use": "refuse-large", "given": {"size": "6"}},
        ),
    )
    assert judge.verdict("GET", "/api/v1/things/101").outcome is Outcome.ACCEPTED
    assert document(judge.answer("GET", "/api/v1/things/7"))["detail"] == "7 is too large"
    assert document(judge.answer("GET", "/api/v1/things/5"))["detail"] == "6 is too large"


def test_other_bodies_than_documents(judging: Judging) -> None:
    judge = judging(
        routes={
            **route({"refuse": True, "status": 403, "text": "Forbidden"}, key="GET /api/v1/text"),
            **route({"refuse": True, "status": 404, "empty": True}, key="GET /api/v1/empty"),
            **route({"answer": True, "json": "{'a': [1]}"}, key="GET /api/v1/json"),
        }
    )
    text, empty, value = (judge.answer("GET", f"/api/v1/{kind}") for kind in ("text", "empty", "json"))
    assert (text.status, text.headers.get("content-type"), read(text.body)) == (
        403,
        "text/plain; charset=utf-8",
        b"Forbidden",
    )
    assert (empty.status, read(empty.body)) == (404, b"")
    assert (value.status, document(value)) == (200, {"a": [1]})


def test_what_is_recorded_nested_too_deeply_is_not_judged(judging: Judging, tape: Tape) -> None:
    tape.add("GET", "/api/v1/things/1", b'{"id": 1, "name": ' + b'{"a": [' * 2000 + b"]}" * 2000 + b"}")
    judge = judging(
        kinds={"thing": {}},
        routes={
            "GET /api/v1/things/{id}": {
                "effects": [{"learn": {"thing": "response"}}],
                "steps": [{"find": {"thing": "params.id"}}, {"refuse": "quoted(thing.name) == 'x'"}],
            }
        },
    )
    assert judge.verdict("GET", "/api/v1/things/1").outcome is Outcome.UNDECIDED
    assert judge.answer("GET", "/api/v1/things/2").status == 404
