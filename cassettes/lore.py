"""Keeps in the database what `learning` finds in the traffic."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from peertape.cassettes.learning import Credential, Fact, NamedHost, Origin, Resource, User, Version
from peertape.cassettes.schema import credentials, meta, resources, users

NAMED_HOSTS = "named_hosts"  # of `meta`: separated by spaces


class Lore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.named_hosts = frozenset(self._meta(NAMED_HOSTS).split())

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
            case NamedHost():
                self._named_host(fact.host)

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

    def forget(self) -> None:
        for table in (credentials, users, resources):
            self._connection.execute(table.delete())
        learned = ("public_origin", "server_version", NAMED_HOSTS)
        self._connection.execute(meta.delete().where(meta.c.name.in_(learned)))
        self.named_hosts = frozenset()

    def _named_host(self, host: str) -> None:
        if host in self.named_hosts:
            return
        self.named_hosts |= {host}
        row = {"name": NAMED_HOSTS, "value": " ".join(sorted(self.named_hosts))}
        self._connection.execute(meta.delete().where(meta.c.name == NAMED_HOSTS))
        self._connection.execute(insert(meta), row)

    def _meta(self, name: str) -> str:
        return self._connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar() or ""

    def _user_of(self, pseudonym: str) -> str | None:
        return self._connection.execute(select(credentials.c.user).where(credentials.c.pseudonym == pseudonym)).scalar()

    def _add(self, table: object, row: dict[str, object]) -> None:
        self._connection.execute(insert(table).prefix_with("OR IGNORE", dialect="sqlite"), row)  # type: ignore[arg-type]
