"""Finding rows by the values of one column, many at once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import batched
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, select

AT_ONCE = 500  # values in one statement
FEW = 20  # of as many there is a statement as well
_NAME = "value"


class Lookup:
    """Of a column that is text or octets.

    SQLAlchemy spells the statement, once: for each list of values anew takes it longer than the database takes.
    """

    def __init__(self, connection: Connection, wanted: ColumnElement[Any], *columns: ColumnElement[Any]) -> None:
        """`columns` are what is told of each row."""
        self._connection = connection
        dialect, value = connection.dialect, bindparam(_NAME, type_=wanted.type)
        compiled = select(*columns).where(wanted.in_([value])).compile(dialect=dialect)
        self._by_position = compiled.positional
        spelled = str(value.compile(dialect=dialect))  # to compile hundreds of them would take long
        before, after = str(compiled).split(spelled)
        self._texts = {
            size: before + ", ".join(spelled.replace(_NAME, name) for name in _names(size)) + after
            for size in (FEW, AT_ONCE)
        }

    def __call__(self, values: Iterable[str | bytes]) -> list[Row[Any]]:
        """The rows in no order; values that no row has are left out."""
        found: list[Row[Any]] = []
        for some in batched(values, AT_ONCE, strict=False):
            size = FEW if len(some) <= FEW else AT_ONCE
            filled = some + some[-1:] * (size - len(some))
            given = filled if self._by_position else dict(zip(_names(size), filled, strict=True))
            found += self._connection.exec_driver_sql(self._texts[size], given)
        return found


def _names(size: int) -> list[str]:
    return [f"{_NAME}{number}" for number in range(size)]
