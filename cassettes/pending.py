"""What waits to be written into a cassette: a group of exchanges takes a few statements, not each of them many."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert

from peertape.cassettes.bodywriter import BodyStore
from peertape.cassettes.exchangerows import ExchangeRows
from peertape.cassettes.inserting import insert_new
from peertape.cassettes.schema import bodies, chunks, closings, exchanges, fields, messages, paths, pseudonyms

_ADD_MESSAGES = insert(messages)
_ADD_CLOSINGS = insert(closings)
_ADD_PSEUDONYMS = insert_new(pseudonyms)

type Row = dict[str, Any]


class Pending:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.bodies = BodyStore(connection)
        self.exchanges = ExchangeRows(connection)
        self.messages: list[Row] = []
        self.closings: list[Row] = []
        self.pseudonyms: list[Row] = []

    def flush(self) -> None:
        self.bodies.flush()
        self.exchanges.flush()
        for statement, rows in (
            (_ADD_MESSAGES, self.messages),
            (_ADD_CLOSINGS, self.closings),
            (_ADD_PSEUDONYMS, self.pseudonyms),
        ):
            if rows:
                self._connection.execute(statement, rows)
                rows.clear()

    def forget(self) -> None:
        """Empties the tables."""
        self.flush()
        for table in (messages, closings, exchanges, fields, paths, chunks, bodies):
            self._connection.execute(table.delete())
        self.exchanges.forget()
