"""The tables of `peertape.cassettes.schema` as PostgreSQL makes them, and where the version stands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.types import TypeEngine

from peertape.cassettes import schema

_marks = MetaData()
_format = Table("cassette_format", _marks, Column("version", BigInteger, nullable=False))
MARK = _format.name  # by this table a cassette is told from other schemas


def create(connection: Connection) -> None:
    """All of them in the schema that the connection looks at, which is then a cassette of today's version."""
    made = MetaData()
    for table in schema.metadata.sorted_tables:
        _fitted(table.to_metadata(made))
    schema.with_views(made)
    made.create_all(connection)
    _marks.create_all(connection)
    connection.execute(insert(_format), {"version": schema.VERSION})
    chunks = schema.chunks
    connection.exec_driver_sql(  # what can be compressed is
        f"ALTER TABLE {chunks.name} ALTER {chunks.c.data.name} SET STORAGE EXTERNAL"
    )


def version(connection: Connection) -> int:
    return int(connection.execute(select(_format.c.version)).scalar_one())


def note_version(connection: Connection, new: int) -> None:
    connection.execute(update(_format).values(version=new))


def _fitted(table: Table) -> None:
    """PostgreSQL's types; and hashes where a text is looked up, as a B-tree takes no more than 2,704 octets."""
    for column in table.columns:
        column.type = _type(column.type)
        column.autoincrement = False  # the one writer counts
    for index in table.indexes:
        if (where := index.kwargs.get("sqlite_where")) is not None:
            index.kwargs["postgresql_where"] = where
        if _is_text(index):
            index.kwargs["postgresql_using"] = "hash"
    for constraint in list(table.constraints):
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint) and _is_text(constraint):
            (column,) = constraint.columns
            column.primary_key = False
            table.append_constraint(PrimaryKeyConstraint())
            table.constraints.discard(constraint)
            table.append_constraint(ExcludeConstraint((column, "="), using="hash"))


def _type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    match type_:
        case Text():
            return Text(collation="C")  # the order of code points, as SQLite's
        case LargeBinary():
            return LargeBinary()
        case _:
            return type_


def _is_text(key: Index | PrimaryKeyConstraint | UniqueConstraint) -> bool:
    return [isinstance(column.type, Text) for column in key.columns] == [True]
