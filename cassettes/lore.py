"""Keeps in the database what `learning` finds in the traffic."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from peertape.cassettes.learning import Credential, Fact, Origin, Resource, User, Version
from peertape.cassettes.schema import credentials, meta, resources, users


class Lore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, fact: Fact) -> None:
        match fact:
            case Credential():
                self._credential(fact)
            case User():
                self._user(fact)
            case Resource():
                self._add(resources, {"kind": fact.kind, "uuid": fact.uuid, "number": fact.number})
            case Origin():
                self._add(meta, {"name": "public_origin", "value": fact.origin})
            case Version():
                self._add(meta, {"name": "server_version", "value": fact.text})

    def _credential(self, fact: Credential) -> None:
        user = fact.user or (self._user_of(fact.same_as) if fact.same_as else None)
        if user is None:
            return
        known = select(users.c.name).where(users.c.email == user)
        user = self._connection.execute(known).scalar() or user
        self._add(credentials, {"pseudonym": fact.pseudonym, "kind": fact.kind, "user": user})

    def _user(self, fact: User) -> None:
        """`/users/me` says for sure whose a token is, also when the login was by e-mail address."""
        self._add(users, {"name": fact.name, "role": fact.role, "email": fact.email})
        self._connection.execute(
            update(users).where(users.c.name == fact.name).values(role=fact.role, email=fact.email)
        )
        self._add(credentials, {"pseudonym": fact.credential, "kind": "access", "user": fact.name})
        if fact.email:
            self._connection.execute(
                update(credentials).where(credentials.c.user == fact.email.lower()).values(user=fact.name)
            )

    def _user_of(self, pseudonym: str) -> str | None:
        return self._connection.execute(select(credentials.c.user).where(credentials.c.pseudonym == pseudonym)).scalar()

    def _add(self, table: object, row: dict[str, object]) -> None:
        self._connection.execute(insert(table).prefix_with("OR IGNORE", dialect="sqlite"), row)  # type: ignore[arg-type]
