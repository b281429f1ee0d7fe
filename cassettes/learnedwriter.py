"""Keeps in the database what `learning` finds in the traffic."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Insert, bindparam, insert, select, update

from peertape.cassettes.headers import media_type
from peertape.cassettes.inserting import Insertion, insert_new
from peertape.cassettes.learning import (
    Credential,
    Fact,
    PublicOrigin,
    Resource,
    User,
    Version,
    file_origins,
    learn,
    value_of,
)
from peertape.cassettes.mentions.objects import objects_in
from peertape.cassettes.mentions.writer import MentionWriter
from peertape.cassettes.model import RecordedRequest, RecordedResponse
from peertape.cassettes.namedorigins import NAMED_HOSTS, NAMED_ORIGINS, hosts_in, origins_in
from peertape.cassettes.origin import Origin
from peertape.cassettes.schema import USER_OF, credentials, exchanges, hosts, mentions, meta, resources, tokens, users

REMEMBERED = 16384  # resources, and tokens, that are known to be in the database

_ADD_USER = insert_new(users)
_ADD_CREDENTIAL = insert_new(credentials)
_CHANGE_USER = (
    update(users).where(users.c.name == bindparam("known")).values(role=bindparam("role"), email=bindparam("email"))
)
_RENAME = update(credentials).where(credentials.c.user == bindparam("address")).values(user=bindparam("user"))
_NAME_OF = select(users.c.name).where(users.c.email == bindparam("email"))
_LEARNED = ("public_origin", "server_version", NAMED_HOSTS, NAMED_ORIGINS)
_MARK_TOKENS = {
    column: update(tokens).where(tokens.c.pseudonym == bindparam("token")).values({column: 1})
    for column in ("refused", "passed")
}


class LearnedWriter:
    """What comes again and again is written once; the rest with the next `flush`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._add_resources = Insertion(connection, resources, only_new=True)
        self._add_tokens = Insertion(connection, tokens, only_new=True)
        self._add_hosts = Insertion(connection, hosts, only_new=True)
        self._begin()

    def _begin(self) -> None:
        connection = self._connection
        self._meta: dict[str, str] = {row.name: row.value for row in connection.execute(select(meta))}
        self.named_origins = origins_in(self._meta)
        self._hosts = hosts_in(self._meta)
        self._instances = _instances_in(self._meta)
        self._first: str | None = connection.execute(
            select(exchanges.c.authority).order_by(exchanges.c.id).limit(1)
        ).scalar()
        self._new_meta: set[str] = set()
        self._known: OrderedDict[object, None] = OrderedDict()
        self._users: dict[str, tuple[str | None, str | None]] = {}  # role and e-mail address, as last written
        self._resources: list[dict[str, Any]] = []
        self._tokens: list[dict[str, Any]] = []
        self._new_hosts: list[dict[str, Any]] = []
        self._marks: dict[str, list[dict[str, Any]]] = {column: [] for column in _MARK_TOKENS}
        self._mentions = MentionWriter(connection)

    @property
    def named_hosts(self) -> frozenset[str]:
        """Of the named origins, and those that an older peertape noted without scheme and port."""
        return self._hosts | {origin.name for origin in self.named_origins}

    def met(self, authority: str) -> None:
        """An exchange with that Host begins."""
        if self._first is None:
            self._first = authority
        if self._is_new(("host", authority)):
            self._new_hosts.append({"authority": authority})

    def learn(
        self,
        exchange: int,
        at: float | None,
        request: RecordedRequest,
        body: bytes | None,
        response: RecordedResponse,
        text: bytes | None,
    ) -> None:
        """From a complete exchange: `body` and `text` are those of request and response, decoded and redacted."""
        value = value_of(response.status, text, media_type(response.headers))
        objects = objects_in(value)
        for fact in learn(request.method, request.target, request.headers, body, value, objects):
            with suppress(UnicodeEncodeError, OverflowError):  # names and numbers that no PeerTube gives
                self._keep(fact)
        if 200 <= response.status < 300 and at is not None:
            self._mentions.note(exchange, at, request, body, text, objects)
        self.name_places(request, response, text)

    def token(self, pseudonym: str, *, refused: bool = False, passed: bool = False) -> None:
        """It was presented, and what became of it."""
        if self._is_new(("token", pseudonym)):
            self._tokens.append({"pseudonym": pseudonym, "refused": 0, "passed": 0})
        for column, marked in (("refused", refused), ("passed", passed)):
            if marked and self._is_new((column, pseudonym)):
                self._marks[column].append({"token": pseudonym})

    def name_places(self, request: RecordedRequest, response: RecordedResponse, text: bytes | None) -> None:
        """Where files lie, as an answer says, whose body is `text` once it is whole; on the disk by the next `flush`.

        Only the instance is believed, and those that it named.
        """
        if not text and "location" not in response.headers:
            return
        is_instance = self.is_instance(request.authority)
        if not is_instance and Origin.of(request.scheme, request.authority) not in self.named_origins:
            return
        origins = file_origins(request, response, text, of_instance=is_instance)
        if not origins <= self.named_origins:
            self.named_origins |= origins
            self._set(NAMED_ORIGINS, " ".join(sorted(map(str, self.named_origins))))

    def flush(self) -> None:
        if self._new_meta:
            self._connection.execute(meta.delete().where(meta.c.name.in_(self._new_meta)))
            rows = [{"name": name, "value": self._meta[name]} for name in sorted(self._new_meta)]
            self._connection.execute(insert(meta), rows)
            self._new_meta.clear()
        for add, rows in (
            (self._add_resources, self._resources),
            (self._add_tokens, self._tokens),
            (self._add_hosts, self._new_hosts),
        ):
            add(rows)
            rows.clear()
        for column, rows in self._marks.items():
            if rows:
                self._connection.execute(_MARK_TOKENS[column], rows)
                rows.clear()
        self._mentions.flush()

    def forget(self, upstream: str | None = None) -> None:
        """Begins anew, with the instance at `upstream` if that is another one."""
        for table in (credentials, users, resources, tokens, hosts, mentions):
            self._connection.execute(table.delete())
        self._connection.execute(meta.delete().where(meta.c.name.in_(_LEARNED)))
        if upstream is not None:
            self._connection.execute(meta.delete().where(meta.c.name == "upstream"))
            self._connection.execute(insert(meta), {"name": "upstream", "value": upstream})
        self._begin()

    def is_instance(self, authority: str) -> bool:
        """Whether that is the instance's Host: its upstream's, its public one; else that of the first exchange."""
        return authority in self._instances if self._instances else authority == self._first

    def _keep(self, fact: Fact) -> None:
        match fact:
            case Credential():
                self._credential(fact)
            case User():
                self._user(fact)
            case Resource():
                fact.number.to_bytes(8, signed=True)  # OverflowError: the database has no room for it
                if self._is_new(fact):
                    self._resources.append({"kind": fact.kind, "uuid": fact.uuid, "number": fact.number})
            case PublicOrigin():
                self._set_first("public_origin", fact.origin)
            case Version():
                self._set_first("server_version", fact.text)

    def _credential(self, fact: Credential) -> None:
        user = fact.user or (self._user_of(fact.same_as) if fact.same_as else None)
        if user is None:
            return
        user = self._connection.execute(_NAME_OF, {"email": user}).scalar() or user
        self._add(_ADD_CREDENTIAL, {"pseudonym": fact.pseudonym, "kind": fact.kind, "user": user})
        self._users.clear()

    def _user(self, fact: User) -> None:
        """`/users/me` says for sure whose a token is, also when the login was by e-mail address."""
        if self._is_new(fact):
            self._add(_ADD_USER, {"name": fact.name, "role": fact.role, "email": fact.email})
            self._add(_ADD_CREDENTIAL, {"pseudonym": fact.credential, "kind": "access", "user": fact.name})
        if self._users.get(fact.name) == (fact.role, fact.email):
            return
        self._users[fact.name] = (fact.role, fact.email)
        self._connection.execute(_CHANGE_USER, {"known": fact.name, "role": fact.role, "email": fact.email})
        if fact.email:
            self._connection.execute(_RENAME, {"address": fact.email.lower(), "user": fact.name})

    def _user_of(self, pseudonym: str) -> str | None:
        return self._connection.execute(USER_OF, {"pseudonym": pseudonym}).scalar()

    def _add(self, statement: Insert, row: dict[str, object]) -> None:
        self._connection.execute(statement, row)

    def _set(self, name: str, value: str) -> None:
        value.encode()  # UnicodeEncodeError: nor for lone surrogates
        self._meta[name] = value
        self._new_meta.add(name)
        self._instances = _instances_in(self._meta)

    def _set_first(self, name: str, value: str) -> None:
        if name not in self._meta:
            self._set(name, value)

    def _is_new(self, known: object) -> bool:
        """Whether it is not known to be written; from now on it is."""
        if known in self._known:
            self._known.move_to_end(known)
            return False
        self._known[known] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return True


def _instances_in(known: Mapping[str, str]) -> frozenset[str]:
    """The Hosts that are known to be the instance's."""
    return frozenset(urlsplit(known[name]).netloc for name in ("upstream", "public_origin") if name in known)
