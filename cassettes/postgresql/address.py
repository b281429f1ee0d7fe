"""The URL of a cassette on a server: `postgresql+psycopg://user@host/database?cassette=NAME`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from peertape.cassettes.errors import NotACassette

DRIVER = "postgresql+psycopg"
SCHEMES = (DRIVER, "postgresql", "postgres")  # the latter as libpq spells it
PARAMETER = "cassette"
DEFAULT = "peertape"
SECRETS = frozenset({"password", "sslpassword"})  # of libpq's parameters
EXAMPLE = f"{DRIVER}://user@host/database?{PARAMETER}=NAME"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")  # leaves room for a suffix, within PostgreSQL's 63 octets


@dataclass(frozen=True, slots=True)
class Address:
    """A database, as libpq finds it, and the cassette in it. Its text holds no password."""

    url: URL
    cassette: str = DEFAULT

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises NotACassette, whose text does not repeat what may hold a password."""
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise NotACassette(f"The URL of the cassette cannot be read; it is written {EXAMPLE}.") from None
        if url.drivername not in SCHEMES:
            raise NotACassette(
                f"A {url.drivername}:// URL is no cassette; that is a file, for example mine.cassette, or {EXAMPLE}."
            )
        name = url.query.get(PARAMETER, DEFAULT)
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("pg_"):
            raise NotACassette(
                f"{PARAMETER}= names one cassette of the database: at most 40 letters, digits, and - _ . "
                "without pg_ at its beginning."
            )
        return cls(url.difference_update_query([PARAMETER]).set(drivername=DRIVER), name)

    def __str__(self) -> str:
        shown = self.url.difference_update_query(SECRETS)
        shown = URL.create(DRIVER, shown.username, None, shown.host, shown.port, shown.database, shown.query)
        return shown.update_query_dict({PARAMETER: self.cassette}).render_as_string()
