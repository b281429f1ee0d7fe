"""A cassette on a server: opening it, with the checks that a file gets."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, text

from peertape.cassettes import errors, migrations, schema
from peertape.cassettes.place import Place
from peertape.cassettes.postgresql import connecting, sentences, tables
from peertape.cassettes.postgresql.address import Address
from peertape.cassettes.postgresql.listening import Listener

_HAS_SCHEMA = text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
_MAY_LOOK = text("SELECT has_schema_privilege(:name, 'USAGE')")
_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = :name")
_OCTETS = text(
    "SELECT coalesce(sum(pg_total_relation_size(relation)), 0) FROM "
    + (
        "(SELECT c.oid AS relation FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :name AND c.relkind IN ('r', 'p')) AS held"
    )
)
_KEY = text("SELECT count(*) FROM meta WHERE name IN ('key', 'salt')")
_ENCODING = text("SHOW server_encoding")


@dataclass(frozen=True, slots=True)
class ServerPlace(Place):
    """One schema of a PostgreSQL database."""

    address: Address

    def __str__(self) -> str:
        return str(self.address)

    @property
    def name(self) -> str:
        return self.address.cassette

    def exists(self) -> bool:
        with self._asking() as connection:
            return self._has_schema(connection)

    def check(self) -> int:
        with self._asking() as connection:
            return self._version(connection)

    def open_reader(self) -> Engine:
        with self.explained():
            engine = connecting.reading_engine(self.address)
            try:
                with engine.connect() as connection:
                    self._demand_readable(connection)
            except BaseException:
                engine.dispose()
                raise
        return engine

    def open_writer(self) -> Engine:
        with self.explained():
            engine = connecting.writing_engine(self.address)
            try:
                with engine.begin() as connection:
                    self._prepare(connection)
            except BaseException:
                engine.dispose()
                raise
        return engine

    def close_writer(self, engine: Engine) -> None:
        """With the connection the lock goes."""
        engine.dispose()

    def changes(self, engine: Engine) -> Callable[[], int]:
        with self.explained():
            return Listener(engine, self.address)

    def sentence_for(self, cause: BaseException) -> errors.CassetteError:
        return sentences.sentence_for(self.address, cause)

    def remove(self) -> None:
        with self.explained():
            engine = connecting.writing_engine(self.address)
            try:
                with engine.begin() as connection:
                    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE")
            finally:
                engine.dispose()

    def octets(self) -> int:
        """Tables and indexes as they are on the server's disk."""
        with self._asking() as connection:
            return int(connection.execute(_OCTETS, {"name": self.name}).scalar_one())

    def files(self) -> Sequence[Path]:
        """None: they are the server's."""
        return ()

    def beside(self) -> Self:
        return replace(self, address=replace(self.address, cassette=f"{self.name}.{secrets.token_hex(4)}.part"))

    def replace_with(self, other: Self) -> None:
        """At once for all who read."""
        with self.explained():
            engine = connecting.writing_engine(self.address)
            try:
                with engine.begin() as connection:
                    connection.exec_driver_sql(f"DROP SCHEMA {self._schema} CASCADE")
                    connection.exec_driver_sql(f"ALTER SCHEMA {other._schema} RENAME TO {self._schema}")
            finally:
                engine.dispose()

    @property
    def _schema(self) -> str:
        return connecting.quoted(self.name)

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """A connection for a question that comes before the cassette is open."""
        with self.explained():
            engine = connecting.reading_engine(self.address, connections=1)
            try:
                with engine.connect() as connection:
                    yield connection
            finally:
                engine.dispose()

    def _has_schema(self, connection: Connection) -> bool:
        return bool(connection.execute(_HAS_SCHEMA, {"name": self.name}).scalar_one())

    def _version(self, connection: Connection) -> int:
        """Of what is there; raises if that is no cassette, or too new."""
        if not self._has_schema(connection):
            raise sentences.missing(self.address)
        held = set(connection.execute(_TABLES, {"name": self.name}).scalars())
        if tables.MARK not in held:
            if not held:
                raise sentences.missing(self.address)
            raise errors.NotACassette(f"{self} is a schema of that database, but not a cassette.")
        if not connection.execute(_MAY_LOOK, {"name": self.name}).scalar_one():
            raise errors.ServerRefused(
                f"{self} may not be read by that user; its owner can grant it (USAGE, and SELECT on its tables)."
            )
        version = tables.version(connection)
        if version > schema.VERSION:
            raise errors.CassetteTooNew(
                f"{self} has format {version}, this peertape knows {schema.VERSION} at most; "
                "update peertape to open it."
            )
        return version

    def _demand_readable(self, connection: Connection) -> None:
        version = self._version(connection)
        if version < schema.VERSION:
            raise errors.CassetteTooOld(
                f"{self} has format {version}, this peertape reads {schema.VERSION}; "
                "whoever records into it next brings it up to date."
            )
        if connection.execute(_KEY).scalar_one() != 2:
            raise errors.CassetteCorrupted(f"{self} is damaged: its key is missing.")

    def _prepare(self, connection: Connection) -> None:
        """The cassette is there and up to date afterwards; an empty schema may have been made for us."""
        try:
            version = self._version(connection)
        except errors.CassetteMissing:
            encoding = connection.execute(_ENCODING).scalar_one()
            if encoding != "UTF8":
                raise errors.ServerRefused(
                    f"{self} cannot be made: the database's encoding is {encoding}; make one with UTF8."
                ) from None
            if not self._has_schema(connection):
                connection.exec_driver_sql(f"CREATE SCHEMA {self._schema}")
            tables.create(connection)
            return
        if version < schema.VERSION:
            tables.note_version(connection, migrations.migrate(connection, version))
