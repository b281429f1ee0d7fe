"""Rules: PeerTube's positions and the user's."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from peertape.cassettes.redaction.rules import RedactionRules, base_name, matches
from peertape.config.secrets import json_path


def test_default_positions() -> None:
    rules = RedactionRules.default()
    assert not rules.members["access_token"].guessable
    assert rules.members["password"].guessable
    assert rules.fields["videopasswords"].guessable
    assert rules.headers["authorization"].form == "credentials"
    assert not rules.emails
    assert not rules.addresses


def test_user_rules() -> None:
    rules = RedactionRules.build(
        [{"header": "X-Foo"}, {"query": "apikey"}, {"json": "pin", "guessable": True}, {"json": "$.a.b"}, {"ip": True}]
    )
    assert rules.headers["x-foo"].form == "value"
    assert "apikey" in rules.queries
    assert rules.members["pin"].guessable
    assert rules.paths[0].path == ("a", "b")
    assert rules.addresses


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({}, "exactly one"),
        ({"header": "a", "query": "b"}, "exactly one"),
        ({"header": "a b"}, "no name"),
        ({"json": "$.a["}, "cannot be read from"),
        ({"json": "a.b"}, "neither a member name nor a JSON path"),
        ({"json": "$"}, "whole document"),
        ({"cookie": "a"}, "Extra inputs"),
    ],
)
def test_faulty_user_rules_say_why(rule: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        RedactionRules.build([rule])


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("$.a.b", ("a", "b"), True),
        ("$.a.b", ("a", "b", 0), True),
        ("$.a.b", ("a", "b", "c"), False),
        ("$.a[*].b", ("a", 3, "b"), True),
        ("$.a[1].b", ("a", 2, "b"), False),
        ("$['a b']", ("a b",), True),
        ("$..b", ("x", 0, "y", "b"), True),
        ("b", ("x", "b"), True),
    ],
)
def test_paths(rule: str, path: tuple[str | int, ...], expected: bool) -> None:
    assert matches(json_path(rule), path) is expected


def test_base_name() -> None:
    assert base_name("videoPasswords[0]") == "videoPasswords"
