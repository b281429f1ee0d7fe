"""The request header `Prefer` (RFC 7240), as far as errors on demand read it."""

from __future__ import annotations

import pytest

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.preferences import Preference, preference


def read(*values: str) -> Preference | None:
    return preference(Headers.of([("Prefer", value) for value in values]))


@pytest.mark.parametrize(
    "values",
    [
        ("code=403, example=video_requires_password",),
        ("code=403; example=video_requires_password",),
        ("code=403", "example=video_requires_password"),
        ('code="403", example="video_requires_password"',),
        ("Code = 403 ,EXAMPLE=video_requires_password",),
        ("respond-async, wait=10, code=403, example=video_requires_password; strict",),
        ("code=403, code=404, example=video_requires_password, example=other",),  # the first counts
        (r'code=403, example="video\_requires_password"',),
    ],
)
def test_spellings(values: tuple[str, ...]) -> None:
    assert read(*values) == Preference("403", "video_requires_password")


@pytest.mark.parametrize("value", ["", "return=minimal", "code=", "code", ", ;", "=403", 'example=""'])
def test_no_wish(value: str) -> None:
    assert read(value) is None
    assert preference(Headers()) is None


def test_a_quoted_comma_divides_nothing() -> None:
    assert read('foo="a, code=404", example=x') == Preference(None, "x")


@pytest.mark.parametrize(
    ("code", "status"), [("404", 404), ("4o4", -1), ("99", -1), ("-404", -1), ("\u0664\u0660\u0664", -1)]
)
def test_status(code: str, status: int) -> None:
    assert Preference(code).status == status
    assert Preference(None, "x").status is None


def test_as_it_is_told_to_the_client() -> None:
    assert str(Preference("403", "x")) == "code=403, example=x"
    assert str(Preference(None, "x")) == "example=x"


def test_hostile_ones_take_no_time() -> None:
    assert read('"' * 100_000) is None
    assert read("a=" * 100_000 + ", code=404") is None
