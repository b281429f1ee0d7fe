"""Keeps in the database what `learning` finds in the traffic."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import Connection, Table, insert, select, update

from peertape.cassettes.inserting import insert_new
from peertape.cassettes.learning import Credential, Fact, PublicOrigin, Resource, User, Version, file_origins
from peertape.cassettes.model import RecordedRequest, RecordedResponse
from peertape.cassettes.named import NAMED_HOSTS, NAMED_ORIGINS, hosts_in, origins_in
from peertape.cassettes.origin import Origin
from peertape.cassettes.schema import credentials, exchanges, meta, resources, users


class Lore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.named_origins = origins_in(self._all_meta())
        self._hosts = hosts_in(self._all_meta())
        self._unwritten = False

    @property
    def named_hosts(self) -> frozenset[str]:
        """Of the named origins, and those that an older peertape noted without scheme and port."""
        return self._hosts | {origin.name for origin in self.named_origins}

    def keep(self, fact: Fact) -> None:
        match fact:
            case Credential():
                self._credential(fact)
            case User():
                self._user(fact)
            case Resource():
                self._add(resources, {"kind": fact.kind, "uuid": fact.uuid, "number": fact.number})
            case PublicOrigin():
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

    def forget(self) -> None:
        for table in (credentials, users, resources):
            self._connection.execute(table.delete())
        learned = ("public_origin", "server_version", NAMED_HOSTS, NAMED_ORIGINS)
        self._connection.execute(meta.delete().where(meta.c.name.in_(learned)))
        self.named_origins = frozenset()
        self._hosts = frozenset()
        self._unwritten = False

    def name_places(self, request: RecordedRequest, response: RecordedResponse, text: bytes | None) -> None:
        """Where files lie, as an answer says, whose body is `text` once it is whole; on the disk by the next `flush`.

        Only the instance is believed, and those that it named.
        """
        is_instance = self.is_instance(request.authority)
        if not is_instance and Origin.of(request.scheme, request.authority) not in self.named_origins:
            return
        origins = file_origins(request, response, text, of_instance=is_instance)
        if not origins <= self.named_origins:
            self.named_origins |= origins
            self._unwritten = True

    def flush(self) -> None:
        if self._unwritten:
            row = {"name": NAMED_ORIGINS, "value": " ".join(sorted(map(str, self.named_origins)))}
            self._connection.execute(meta.delete().where(meta.c.name == NAMED_ORIGINS))
            self._connection.execute(insert(meta), row)
            self._unwritten = False

    def is_instance(self, authority: str) -> bool:
        """Whether that is the instance's Host: its upstream's, its public one; else that of the first exchange."""
        known = self._all_meta()
        urls = [known[name] for name in ("upstream", "public_origin") if name in known]
        if urls:
            return any(authority == urlsplit(url).netloc for url in urls)
        first = select(exchanges.c.authority).order_by(exchanges.c.id).limit(1)
        return authority == self._connection.execute(first).scalar()

    def _all_meta(self) -> dict[str, str]:
        return {row.name: row.value for row in self._connection.execute(select(meta))}

    def _user_of(self, pseudonym: str) -> str | None:
        return self._connection.execute(select(credentials.c.user).where(credentials.c.pseudonym == pseudonym)).scalar()

    def _add(self, table: Table, row: dict[str, object]) -> None:
        self._connection.execute(insert_new(table), row)
