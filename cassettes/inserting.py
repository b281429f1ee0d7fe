"""Adding rows: whole groups at once, and what may be there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Insert, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class _InsertNew(Insert):
    """SQLAlchemy's own is PostgreSQL's or SQLite's; to import the former takes a fifth of the time of SQLAlchemy."""

    inherit_cache = True


@compiles(_InsertNew)
def _spelled(statement: _InsertNew, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.visit_insert(statement, **options)} ON CONFLICT DO NOTHING"  # type: ignore[no-untyped-call]


def insert_new(table: Table) -> Insert:
    """An INSERT that leaves out rows of which a unique key is there: SQLite and PostgreSQL spell it alike."""
    return _InsertNew(table)


class Insertion:
    """Adds rows that name every column of a table.

    SQLAlchemy spells the statement, once; to hand it each row as well would take it longer than the database takes.
    """

    def __init__(self, connection: Connection, table: Table, *, only_new: bool = False) -> None:
        """`only_new`: rows of which a unique key is there are left out."""
        self._connection = connection
        columns = list(table.columns.keys())
        statement = insert_new(table) if only_new else sqlalchemy.insert(table)
        compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
        self._text = str(compiled)
        self._by_position = compiled.positional
        self._values = itemgetter(*columns) if len(columns) > 1 else lambda row: (row[columns[0]],)

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Of no rows it does nothing."""
        if rows:
            given = list(map(self._values, rows)) if self._by_position else [dict(row) for row in rows]
            self._connection.exec_driver_sql(self._text, given)
