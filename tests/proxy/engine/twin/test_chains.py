"""Chains of sanitizers and checks: what is shown of a wrong parameter."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.proxy.engine.twin.chains import Vocabulary
from peertape.proxy.engine.twin.errors import ContractError
from tests.proxy.engine.twin.conftest import Judge

Judging = Callable[..., Judge]


@pytest.fixture
def errors(judging: Judging) -> Callable[..., dict[str, Any]]:
    """The `invalid-params` that chains find in a request; {} if none."""

    def find(*chains: dict[str, Any], target: str = "/api/v1/x", body: Any = None, **more: Any) -> dict[str, Any]:
        sections = {name: more.pop(name) for name in ("checks", "words", "chains") if name in more}
        judge = judging(routes={"POST /api/v1/x": {"steps": [{"validate": list(chains)}]}}, **sections)
        answer = judge.verdict("POST", target, body=body, **more).answer
        if answer is None:
            return {}
        found = json.loads(read(answer.body))["invalid-params"]
        assert isinstance(found, dict)
        return found

    return find


Errors = Callable[..., dict[str, Any]]


def test_a_value_is_shown_as_the_sanitizers_left_it(errors: Errors) -> None:
    found = errors({"body.count": ["to-integer", {"is": "integer", "max": 5}]}, body={"count": "7 of them"})
    assert found["count"]["value"] == 7


def test_what_is_no_number_is_null(errors: Errors) -> None:
    assert errors({"body.count": ["to-integer", "id"]}, body={"count": "many"})["count"]["value"] is None


def test_an_absent_value_is_not_shown(errors: Errors) -> None:
    assert errors({"body.name": ["exists"]}, body={})["name"] == {
        "type": "field",
        "msg": "Invalid value",
        "path": "name",
        "location": "body",
    }


def test_the_first_error_of_a_parameter_counts(errors: Errors) -> None:
    found = errors({"body.n": [{"text": "no text"}, {"is": "length", "min": 3, "message": "too short"}]}, body={"n": 5})
    assert found["n"]["msg"] == "no text"


def test_checks_of_texts_look_at_each_element(errors: Errors) -> None:
    found = errors({"query.role": [{"is": "one-of", "values": ["a", "b"]}]}, target="/api/v1/x?role=a&role=c")
    assert found["role"]["value"] == "c"


@pytest.mark.parametrize("value", ["", None, 0, False])
def test_falsy_values_can_count_as_absent(errors: Errors, value: Any) -> None:
    assert errors({"body.n": ["optional-falsy", "uuid"]}, body={"n": value}) == {}
    assert errors({"body.n": ["optional", "uuid"]}, body={"n": value}) != {}


def test_null_can_count_as_absent(errors: Errors) -> None:
    assert errors({"body.n": ["optional-null", "uuid"]}, body={"n": None}) == {}


def test_bail_and_conditions_end_a_chain(errors: Errors) -> None:
    assert errors({"body.n": [{"if": "body.kind == 'x'"}, "uuid"]}, body={"n": 1, "kind": "y"}) == {}
    found = errors({"body.n": ["text", "bail", {"uuid": "no UUID"}]}, body={"n": 1})
    assert found["n"]["msg"] == "Invalid value"


def test_elements_of_lists_are_named_by_index(errors: Errors) -> None:
    found = errors({"body.tags.*": ["text"]}, body={"tags": ["a", 1, "c", 2]})
    assert list(found) == ["tags[1]", "tags[3]"]


def test_members_of_objects_by_path(errors: Errors) -> None:
    found = errors({"body.a.b": ["to-integer", {"is": "integer-text", "max": 3}]}, body={"a": {"b": "9"}})
    assert found["a.b"]["value"] == 9


def test_a_check_can_throw_its_own_words(errors: Errors) -> None:
    assert errors({"body.n": [{"is": "length", "min": 1}]}, body={"n": 5})["n"]["msg"] == (
        "Expected a string but received a number"
    )


def test_negation_expressions_and_messages_with_values(errors: Errors) -> None:
    assert "n" in errors({"body.n": [{"not": "empty"}]}, body={"n": ""})
    found = errors({"body.n": [{"is": "true-when", "that": "value > 3", "message": "{value} is few"}]}, body={"n": 2})
    assert found["n"]["msg"] == "2 is few"


def test_named_checks_words_and_chains(errors: Errors) -> None:
    found = errors(
        {"use": "paging"},
        {"body.name": ["short-name"]},
        {"body.tags": [{"is": "each", "check": "short-name"}]},
        target="/api/v1/x?start=-1",
        body={"name": "x", "tags": ["abc", "y"]},
        checks={"short-name": {"all": ["text", {"is": "length", "min": 2}]}},
        words={"whole-number": ["optional", {"is": "integer", "min": 0}]},
        chains={"paging": [{"query.start": ["whole-number"]}]},
    )
    assert list(found) == ["start", "name", "tags"]


def test_any_of_several_checks(errors: Errors) -> None:
    chain = {"body.n": [{"any": ["null", {"is": "length", "min": 3}]}]}
    assert errors(chain, body={"n": None}) == {}
    assert "n" in errors(chain, body={"n": "ab"})


def test_files_of_a_form(errors: Errors) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
        b"hello\r\n--b--\r\n"
    )
    headers = (("Content-Type", "multipart/form-data; boundary=b"),)
    chain = {"body.image": [{"is": "file", "field": "image", "types": "image/(png|jpg)", "optional": True}]}
    assert "image" in errors(chain, body=body, headers=headers)
    assert errors(chain, body={}) == {}


@pytest.mark.parametrize(
    "chain",
    [
        {"body.x": ["no-such-word"]},
        {"nowhere.x": ["id"]},
        {"body": ["id"]},
        {"body.x": "id"},
        {"body.x": [{"is": "length", "least": 3}]},
        {"use": "no-such-chains"},
        {"body.x": [{"is": "true-when", "that": "1 +"}]},
    ],
)
def test_misspelled_rules_are_errors(chain: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        Vocabulary({}, {}, {}).chains([chain])
