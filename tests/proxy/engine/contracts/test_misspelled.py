"""Misspelled rules are errors when they are loaded, and say where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from peertape.config import contracts as data
from peertape.config.contracts import Contracts
from peertape.proxy.engine.twin.contract import compiled
from peertape.proxy.engine.twin.errors import ContractError
from tests.proxy.engine.twin.conftest import RIGHTS

ROUTE = "GET /api/v1/things/{id}"
KINDS = {"thing": {"keys": ["id"]}}

STEPS: dict[str, tuple[Any, str]] = {
    "no step": ({"logon": "required"}, "logon"),
    "no object": ("login", "'login'"),
    "a word too many": ({"find": {"thing": "params.id"}, "detial": "Nothing"}, "detial"),
    "a wrong login": ({"login": "perhaps"}, "perhaps"),
    "an unknown right": ({"right": "SEE_NOTHING"}, "SEE_NOTHING"),
    "an unknown kind": ({"find": {"ting": "params.id"}}, "ting"),
    "two kinds": ({"find": {"thing": "params.id", "other": "params.id"}}, ""),
    "an unknown procedure": ({"use": "see-thing"}, "see-thing"),
    "no expression": ({"refuse": "thing.name =="}, "thing.name =="),
    "a template without an end": ({"refuse": True, "detail": "No {params.id"}, "No {params.id"),
    "no expression in a template": ({"refuse": True, "detail": "No {params.}"}, "params."),
    "two bodies": ({"refuse": True, "text": "Forbidden", "empty": True}, "one body"),
    "a status that is no number": ({"refuse": True, "status": "not found"}, "not found"),
    "steps that are no list": ({"when": "me", "steps": {"login": "required"}}, "steps are a list"),
    "a wrong step inside": ({"when": "me", "else": [{"refues": True}]}, "refues"),
    "an each without steps": ({"each": {"item": "body.items"}}, "steps"),
    "a once without seconds": ({"once": ["params.id"], "steps": []}, "seconds"),
    "names that are no object": ({"let": ["name"]}, ""),
    "seconds that are no number": ({"cached": "long"}, "long"),
    "a chain without a place": ({"validate": [{"id": ["id"]}]}, "'id'"),
    "a chain of an unknown place": ({"validate": [{"form.id": ["id"]}]}, "form.id"),
    "words that are no list": ({"validate": [{"params.id": "id"}]}, "words are a list"),
    "an unknown check": ({"validate": [{"params.id": ["uid"]}]}, "uid"),
    "an unknown check with a message": ({"validate": [{"params.id": [{"uid": "Should be one"}]}]}, "uid"),
    "an unknown argument": ({"validate": [{"params.id": [{"is": "length", "minimum": 3}]}]}, "minimum"),
    "a wrong composition": ({"validate": [{"params.id": [{"all": "id"}]}]}, "'all': 'id'"),
    "unknown chains": ({"validate": [{"use": "paging"}]}, "paging"),
    "a wrong condition": ({"validate": [{"params.id": [{"if": "value is"}, "id"]}]}, "value is"),
    "a wrong message": ({"validate": [{"params.id": [{"id": "No {value"}]}]}, "No {value"),
    "a pattern that is none": ({"validate": [{"params.id": [{"is": "matches", "pattern": "("}]}]}, ""),
}
EFFECTS: dict[str, tuple[Any, str]] = {
    "no effect": ({"lern": {"thing": "response"}}, "lern"),
    "no object": ("learn", "learn"),
    "a word too many": ({"learn": {"thing": "response"}, "whit": {"id": "1"}}, "whit"),
    "an unknown kind": ({"learn": {"ting": "response"}}, "ting"),
    "no kind": ({"learn": "response"}, "KIND"),
    "no expression": ({"change": {"thing": "params.id"}, "with": {"name": "body.name +"}}, "body.name +"),
    "a wrong condition": ({"forget": {"thing": "params.id"}, "when": "not"}, "not"),
    "an unknown consequence": ({"use": "thing-made"}, "thing-made"),
}


def load(**sections: Any) -> None:
    compiled(Contracts.model_validate({"kinds": KINDS, **sections}), RIGHTS)


@pytest.mark.parametrize("name", STEPS)
def test_steps(name: str) -> None:
    step, word = STEPS[name]
    with pytest.raises(ContractError) as raised:
        load(routes={ROUTE: {"steps": [step]}})
    assert str(raised.value).startswith(f"{ROUTE}: ")
    assert word in str(raised.value)


@pytest.mark.parametrize("name", ["no step", "an unknown right", "an unknown check", "an each without steps"])
def test_steps_of_procedures(name: str) -> None:
    step, word = STEPS[name]
    with pytest.raises(ContractError, match=word) as raised:
        load(procedures={"see-thing": [step]})
    assert str(raised.value).startswith("procedure see-thing: ")


@pytest.mark.parametrize("name", EFFECTS)
def test_effects(name: str) -> None:
    effect, word = EFFECTS[name]
    with pytest.raises(ContractError) as raised:
        load(routes={ROUTE: {"effects": [effect]}})
    assert str(raised.value).startswith(f"{ROUTE}: ")
    assert word in str(raised.value)
    with pytest.raises(ContractError) as raised:
        load(consequences={"made": [effect]})
    assert str(raised.value).startswith("consequence made: ")


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        ({"routes": {"/api/v1/things": {}}}, "'/api/v1/things' is no route"),
        ({"routes": {"GET": {}}}, "'GET' is no route"),
        ({"chains": {"paging": [{"query.start": ["nummer"]}]}}, "chains paging: .*nummer"),
        ({"checks": {"thing-name": {"is": "lenght", "min": 3}}}, "check thing-name: .*lenght"),
        ({"words": {"thing-id": ["uid"]}}, "words thing-id: .*uid"),
        ({"kinds": {"thing": {"parts": {"owner": "acount"}}}}, "kind thing: .*acount"),
        ({"kinds": {"thing": {"derive": {"name": "this."}}}}, "kind thing: .*this."),
    ],
)
def test_other_sections(sections: dict[str, Any], place: str) -> None:
    with pytest.raises(ContractError, match=place):
        load(**sections)


def test_a_right_of_a_role_that_is_none() -> None:
    roles = {"administrator": {"number": 0, "rights": ["ALL", "FLY"]}}
    with pytest.raises(ContractError, match="FLY"):
        compiled(Contracts(), RIGHTS.model_validate({"rights": {"ALL": 0}, "roles": roles}))


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Contracts]:
    """Loads a version whose files have these texts."""
    folder = tmp_path / "9.9" / "contracts"
    folder.mkdir(parents=True)
    monkeypatch.setattr(data, "files", lambda _package: tmp_path)

    def read(**files: str) -> Contracts:
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text, "utf-8")
        return data.contracts.__wrapped__("9.9")

    return read


def test_files_are_joined(version: Callable[..., Contracts]) -> None:
    joined = version(one="kinds: {thing: {}}", two="kinds: {other: {}}\nchecks: {a: id}", three="# nothing")
    assert (set(joined.kinds), joined.checks) == ({"thing", "other"}, {"a": "id"})


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"one": "kinds: {thing: {}}", "two": "kinds: {thing: {}}"}, r"9.9/contracts/two.yaml: kinds \['thing'\]"),
        ({"one": "routs: {}"}, "9.9/contracts/one.yaml: .*(?s:.)*routs"),
        ({"one": "routes: {GET /a: {stpes: []}}"}, "9.9/contracts/one.yaml: .*(?s:.)*stpes"),
        ({"one": "routes: [GET /a]"}, "9.9/contracts/one.yaml: "),
        ({"one": "kinds: {thing: {key: [id]}}"}, "9.9/contracts/one.yaml: "),
        ({"one": "routes: {"}, "9.9/contracts/one.yaml: "),
        ({"one": "just a text"}, "9.9/contracts/one.yaml: "),
    ],
)
def test_files_that_are_not_in_the_format(
    version: Callable[..., Contracts], files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(data.ContractFileError, match=sentence):
        version(**files)
