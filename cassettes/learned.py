"""What `learnedwriter` has kept: whose tokens are, what became of them, and how resources are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from peertape.cassettes import schema
from peertape.cassettes.namedorigins import origins_in
from peertape.cassettes.origin import Origin
from peertape.cassettes.reader import Reader, literal

_FIRST = select(schema.exchanges.c.scheme, schema.exchanges.c.authority).order_by(schema.exchanges.c.id).limit(1)
_TOKEN = select(schema.tokens).where(schema.tokens.c.pseudonym == bindparam("pseudonym"))
_PASSED = (
    select(schema.tokens.c.pseudonym)
    .join(schema.credentials, schema.credentials.c.pseudonym == schema.tokens.c.pseudonym)
    .where(schema.tokens.c.passed == literal(1), schema.credentials.c.user == bindparam("user"))
    .limit(1)
)
_NUMBERS = select(schema.resources.c.number).where(
    schema.resources.c.kind == bindparam("kind"), schema.resources.c.uuid == bindparam("uuid")
)
_UUID = select(schema.resources.c.uuid).where(
    schema.resources.c.kind == bindparam("kind"), schema.resources.c.number == bindparam("number")
)


@dataclass(frozen=True, slots=True)
class Token:
    """What became of a token that was presented."""

    refused: bool  # with 401, at least once
    passed: bool  # answered although a rate limit was over


class Learned(Reader):
    """What a cassette knows of the instance beside its exchanges."""

    def meta(self) -> dict[str, str]:
        return {row.name: row.value for row in self._rows(select(schema.meta))}

    @property
    def public_origin(self) -> str | None:
        """Where the instance says that it is; else where it was recorded."""
        return self._cached_by_version("public_origin", self._public_origin)

    def named_origins(self) -> frozenset[Origin]:
        """Where files lie, as the instance said."""
        return self._cached(("named origins",), lambda: origins_in(self.meta()))

    def authorities(self) -> frozenset[str]:
        """Every Host under which something was recorded."""
        return self._cached_by_version("authorities", self._authorities)

    def user_of(self, pseudonym: str) -> str | None:
        """Whose the token behind a pseudonym is."""
        rows = self._cached(("user", pseudonym), lambda: self._rows(schema.USER_OF, pseudonym=pseudonym))
        return str(rows[0].user) if rows else None

    def users(self) -> list[Row[Any]]:
        return self._rows(select(schema.users).order_by(schema.users.c.name))

    def roles(self) -> dict[str, str]:
        """By user name, as far as `/users/me` told."""
        return self._cached(("roles",), lambda: {row.name: row.role for row in self.users() if row.role})

    def token(self, pseudonym: str) -> Token | None:
        """What became of it; None: it was never presented."""
        rows = self._cached(("token", pseudonym), lambda: self._rows(_TOKEN, pseudonym=pseudonym))
        return Token(bool(rows[0].refused), bool(rows[0].passed)) if rows else None

    def has_passed(self, user: str) -> bool:
        """Whether a token of that user was let pass although a rate limit was over."""
        return self._cached(("passed", user), lambda: bool(self._rows(_PASSED, user=user)))

    def numbers(self, kind: str, uuid: str) -> list[str]:
        rows = self._cached(("numbers", kind, uuid), lambda: self._rows(_NUMBERS, kind=kind, uuid=uuid))
        return [str(row.number) for row in rows]

    def uuid(self, kind: str, number: str) -> str | None:
        if len(number) > 18:  # beyond SQLite's integers: no resource has it
            return None
        rows = self._cached(("uuid", kind, number), lambda: self._rows(_UUID, kind=kind, number=int(number)))
        return str(rows[0].uuid) if rows else None

    def _public_origin(self) -> str | None:
        meta = self.meta()
        if origin := meta.get("public_origin") or meta.get("upstream"):
            return origin
        first = next(iter(self._rows(_FIRST)), None)
        return f"{first.scheme}://{first.authority}" if first else None

    def _authorities(self) -> frozenset[str]:
        return frozenset(row.authority for row in self._rows(select(schema.hosts)))
