"""URLs of cassettes: what they name, what is wrong with them, and that their password is never shown."""

from __future__ import annotations

import pytest

from peertape.cassettes import errors, places
from peertape.cassettes.postgresql.address import Address
from peertape.cassettes.sqlite.place import FilePlace

SECRET = "s3cret/+ word"
SPELLED = "s3cret%2F%2B%20word"


@pytest.mark.parametrize(
    ("given", "shown", "name"),
    [
        ("postgresql+psycopg://a@h/d", "postgresql+psycopg://a@h/d?cassette=peertape", "peertape"),
        ("postgresql://a@h:5433/d?cassette=ci", "postgresql+psycopg://a@h:5433/d?cassette=ci", "ci"),
        ("postgres:///?service=team", "postgresql+psycopg:///?cassette=peertape&service=team", "peertape"),
        (
            "postgresql://h/d?sslmode=require&cassette=a.b-c_1",
            "postgresql+psycopg://h/d?cassette=a.b-c_1&sslmode=require",
            "a.b-c_1",
        ),
    ],
)
def test_what_a_url_names(given: str, shown: str, name: str) -> None:
    place = places.named(given)
    assert (str(place), place.name) == (shown, name)
    assert str(places.named(shown)) == shown


@pytest.mark.parametrize(
    "given",
    [
        f"postgresql+psycopg://a:{SPELLED}@h/d?cassette=x",
        f"postgresql+psycopg://a@h/d?password={SPELLED}",
        f"postgresql+psycopg://a@h/d?sslpassword={SPELLED}&sslmode=require",
    ],
)
def test_a_password_is_used_and_not_shown(given: str) -> None:
    address = Address.of(given)
    assert SECRET in (address.url.password, address.url.query.get("password"), address.url.query.get("sslpassword"))
    for text in (str(address), repr(address), str(places.named(given)), repr(places.named(given))):
        assert SECRET not in text
        assert SPELLED not in text


@pytest.mark.parametrize(
    "given",
    [
        f"mysql://a:{SPELLED}@h/d",
        f"https://a:{SPELLED}@h/d",
        f"postgresql://a:{SPELLED}@h:port/d",
        f"postgresql+asyncpg://a:{SPELLED}@h/d",
        f"postgresql://a:{SPELLED}@h/d?cassette=pg_temp",
        f'postgresql://a:{SPELLED}@h/d?cassette=a"b',
        f"postgresql://a:{SPELLED}@h/d?cassette=a&cassette=b",
        f"postgresql://a:{SPELLED}@h/d?cassette={'x' * 41}",
        "://",
    ],
)
def test_what_is_no_url_of_a_cassette(given: str) -> None:
    with pytest.raises(errors.NotACassette) as raised:
        places.named(given)
    assert SPELLED not in str(raised.value)
    assert SECRET not in str(raised.value)


def test_anything_else_is_a_file() -> None:
    assert isinstance(places.named("postgresql"), FilePlace)
    assert isinstance(places.named("c:/tapes/mine.cassette"), FilePlace)
