"""What V8 says of a text that is no JSON; the expected messages are Node 20's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.twin.jsonfaults import fault, strict_fault

DAMAGED = {
    "": "Unexpected end of JSON input",
    '{"a":': "Unexpected end of JSON input",
    "[nul": "Unexpected end of JSON input",
    '["abc\\': "Unexpected end of JSON input",
    "{a": "Expected property name or '}' in JSON at position 1",
    "{": "Expected property name or '}' in JSON at position 1",
    '{"a":1,}': "Expected double-quoted property name in JSON at position 7",
    '{"a" 1}': "Expected ':' after property name in JSON at position 5",
    '{"a":1,"b"}': """Unexpected token '}', "{"a":1,"b"}" is not valid JSON""",
    '{"a":1 "b"': "Expected ',' or '}' after property value in JSON at position 7",
    "[1,2": "Expected ',' or ']' after array element in JSON at position 4",
    "[01]": "Unexpected number in JSON at position 2",
    '[nu"': "Unexpected string in JSON at position 3",
    "[-]": "No number after minus sign in JSON at position 2",
    "[1.]": "Unterminated fractional number in JSON at position 3",
    "[1e+]": "Exponent part is missing a number in JSON at position 4",
    '["abc': "Unterminated string in JSON at position 5",
    '["a\nb"]': "Bad control character in string literal in JSON at position 3",
    '["\\q"]': "Bad escaped character in JSON at position 3",
    '["\\u12"]': "Bad Unicode escape in JSON at position 6",
    '{"a":1}x': "Unexpected non-whitespace character after JSON at position 7",
    "[,]": """Unexpected token ',', "[,]" is not valid JSON""",
    "[1,2,3,4,5,6,7,8,9,x]": """Unexpected token 'x', ..."5,6,7,8,9,x]" is not valid JSON""",
    "[x,2,3,4,5,6,7,8,9,0]": """Unexpected token 'x', "[x,2,3,4,5,"... is not valid JSON""",
    "undefined": '"undefined" is not valid JSON',
}


@pytest.mark.parametrize(("text", "message"), DAMAGED.items())
def test_messages(text: str, message: str) -> None:
    assert fault(text) == message


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=5)))
def test_json_has_no_fault(value: Any) -> None:
    assert fault(json.dumps(value)) is None


@given(st.text(alphabet='{}[]:,"\\tfn01-.eE+ \n😀', max_size=30))
def test_every_text_is_judged_as_by_python(text: str) -> None:
    try:
        json.loads(text)
        is_json = True
    except ValueError:
        is_json = False
    assert (fault(text) is None) == is_json


def test_depth_does_not_matter() -> None:
    assert fault("[" * 100_000 + "]" * 100_000) is None
    assert fault("[" * 100_000) == "Unexpected end of JSON input"


def test_python_alone_knows_nan() -> None:
    assert fault("[NaN]") == """Unexpected token 'N', "[NaN]" is not valid JSON"""


def test_long_numbers_are_numbers() -> None:
    assert fault("[" + "9" * 10_000 + "]") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"text"', """Unexpected token '"', ""text"" is not valid JSON"""),  # errors.mitm, flow 63
        ("  7", """Unexpected token '7', "  7" is not valid JSON"""),
        ("   ", "Unexpected end of JSON input"),
        ("null and more than twenty", """Unexpected token 'n', "null and m"... is not valid JSON"""),
        ("[1]", None),
        (' {"a": 1}', None),
    ],
)
def test_only_objects_and_arrays_are_bodies(text: str, message: str | None) -> None:
    assert strict_fault(text) == message
