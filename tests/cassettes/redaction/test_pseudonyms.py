"""Pseudonyms: same length and alphabet, stable, and the same both ways."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.redaction.pseudonyms import Pseudonyms

KEY, SALT = b"k" * 32, b"s" * 16


def kinds(text: str) -> list[object]:
    """What has to stay the same at each position, whatever the alphabet of the whole."""
    return [c if c.isascii() and not c.isalnum() else len(c.encode("utf-8", "surrogatepass")) for c in text]


def make(**options: object) -> Pseudonyms:
    return Pseudonyms(KEY, SALT, **options)  # type: ignore[arg-type]


@given(st.text())
def test_length_and_alphabet_stay(secret: str) -> None:
    pseudonym = make().of(secret, False)
    assert kinds(pseudonym) == kinds(secret)
    assert pseudonym != secret or not any(c.isalnum() or not c.isascii() for c in secret)


@given(st.text(max_size=40))
def test_a_pseudonym_is_its_own(secret: str) -> None:
    pseudonyms = make()
    pseudonym = pseudonyms.of(secret, False)
    assert pseudonyms.of(pseudonym, False) == pseudonym
    assert pseudonyms.of(pseudonym, True) == pseudonym
    assert make(issued=[pseudonym]).of(pseudonym, False) == pseudonym


def test_known_are_those_issued() -> None:
    issued: list[str] = []
    pseudonyms = make(on_issue=issued.append)
    token = pseudonyms.of("5b3bbf3a8b455900ec538bdf754962850b336d98", False)
    pseudonyms.of("5b3bbf3a8b455900ec538bdf754962850b336d98", False)
    assert issued == [token]
    assert pseudonyms.known(token)
    assert not pseudonyms.known("5b3bbf3a8b455900ec538bdf754962850b336d98")


def test_issued_may_be_a_growing_container() -> None:
    class Growing:
        def __contains__(self, text: object) -> bool:
            return text == "later"

    assert make(issued=Growing()).of("later", False) == "later"


@pytest.mark.parametrize("guessable", [False, True])
def test_stable_and_keyed(guessable: bool) -> None:
    assert make().of("secret123", guessable) == make().of("secret123", guessable)
    assert make().of("secret123", guessable) != Pseudonyms(b"x" * 32, b"t" * 16).of("secret123", guessable)


def test_guessable_ones_are_made_otherwise() -> None:
    assert make().of("secret123", True) != make().of("secret123", False)


@pytest.mark.parametrize(
    ("secret", "shape"),
    [
        ("23febe54-7704-4ef9-8bbc-0d205abb6ec2", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("4J2DH7W4JB4PNBXY7KRPHY6QMCMCAUEI", r"[A-Z2-7]{32}"),
        ("123456", r"[1-9]\d{5}"),
        ("012345", r"\d{6}"),
        ("Abc-9_é", r"[A-Z][a-z]{2}-\d_[à-ö]"),
        ("127.10.200.3", r"1\d\d\.\d\d\.[12]\d\d\.\d|2[0-5]\d\.\d\d\.[12]\d\d\.\d"),
        ("ptrt-1a", r"[a-z]{4}-\d[a-z]"),
    ],
)
def test_shapes(secret: str, shape: str) -> None:
    assert re.fullmatch(shape, make().of(secret, False))


@pytest.mark.parametrize("secret", ["", "---", " \t"])
def test_nothing_to_replace(secret: str) -> None:
    assert make().of(secret, True) == secret


@pytest.mark.parametrize("secret", string.ascii_letters + string.digits)
def test_one_character_never_stays(secret: str) -> None:
    assert make().of(secret, False) != secret
