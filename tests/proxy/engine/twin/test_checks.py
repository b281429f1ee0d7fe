"""Checks and sanitizers of values that were made to break them."""

from __future__ import annotations

import math

import pytest

from peertape.proxy.engine.twin import checks
from peertape.proxy.engine.twin.sanitizers import SANITIZERS, integer_of, number_of
from peertape.proxy.engine.twin.values import ABSENT, DEEPEST, parsed

VALUES = (ABSENT, None, True, 0, -1, 10**400, 1.5, math.inf, math.nan, "", "x", "9" * 5000, "1e400", [], [[]], {}, [{}])


def test_a_quoted_user_of_an_address_is_read_in_one_pass() -> None:
    assert not checks.email('"' + "\\" * 60 + 'é"@a.example')
    assert checks.email('"a b\\"c"@a.example')


@pytest.mark.parametrize(
    ("text", "bounds", "holds"),
    [
        ("1.5", {"min": 1}, True),
        ("1e400", {}, True),
        ("1e400", {"max": 5}, False),
        ("e5", {"min": 0}, False),  # no digit: JavaScript reads NaN, which is in no range
        (".e5", {"max": 9}, False),
        ("e5", {}, True),
        ("-.", {"min": 0}, False),
    ],
)
def test_numbers_without_digits(text: str, bounds: dict[str, float], holds: bool) -> None:
    assert checks.number(text, **bounds) is holds


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("name", sorted(SANITIZERS))
def test_sanitizers_take_whatever_comes(name: str, value: object) -> None:
    SANITIZERS[name](value)


def test_digits_are_ascii_and_very_many_are_infinite() -> None:
    assert integer_of("12a") == 12
    assert math.isnan(integer_of("١٢"))
    assert math.isnan(number_of("١٢"))
    assert (integer_of("9" * 5000), integer_of("-" + "9" * 5000)) == (math.inf, -math.inf)


def test_json_as_javascript_reads_it() -> None:
    assert parsed('{"a": [1, 1.5, 1e400]}') == {"a": [1, 1.5, math.inf]}
    assert parsed("[" + "1" * 5000 + "]") == [math.inf]
    assert parsed("[" * DEEPEST + "]" * DEEPEST)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 100_000])
def test_json_that_is_nested_too_deeply(levels: int) -> None:
    with pytest.raises(ValueError, match="nested"):
        parsed("[" * levels + "]" * levels)
