"""JSON in JavaScript's spelling; the expected texts are Node's."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.twin.jsontext import in_units, number_text, stringify

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_it_means_the_same(value: Any) -> None:
    assert json.loads(stringify(value), parse_int=float) == value


@given(VALUES)
def test_it_is_octets_whatever_is_in_it(value: Any) -> None:
    stringify(value).encode("utf-8")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(number: float) -> None:
    assert float(number_text(number)) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.25e21, "1.25e+21"),
        (0.000001, "0.000001"),
        (0.0000001, "1e-7"),
        (-1.5e-9, "-1.5e-9"),
        (2**53 + 1, "9007199254740992"),
        (10**400, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_numbers(number: float, text: str) -> None:
    assert number_text(number) == text


def test_what_is_no_number_in_json_is_null() -> None:
    assert stringify([math.inf, math.nan, 10**400]) == "[null,null,null]"


def test_members_named_like_indexes_come_first() -> None:
    members = {"b": 1, "10": 2, "2": 3, "01": 4, "4294967295": 5, "4294967294": 6}
    assert stringify(members) == '{"2":3,"10":2,"4294967294":6,"b":1,"01":4,"4294967295":5}'


def test_other_alphabets_stand_as_they_are_and_lone_surrogates_escaped() -> None:
    assert stringify("é😀\u2028\x7f\x00\n\ud83d") == '"é😀\u2028\x7f\\u0000\\n\\ud83d"'


def test_two_halves_are_one_character() -> None:
    assert stringify("\ud83d\ude00") == '"😀"'
    assert in_units("a😀") == "a\ud83d\ude00"


def test_what_json_does_not_know_is_an_error() -> None:
    with pytest.raises(TypeError):
        stringify(object())
