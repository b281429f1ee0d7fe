"""What waits to be written into a cassette: a group of exchanges takes a few statements, not each of them many."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from peertape.cassettes.bodywriter import BodyStore
from peertape.cassettes.exchangerows import ExchangeRows
from peertape.cassettes.inserting import Insertion
from peertape.cassettes.schema import bodies, chunks, closings, exchanges, fields, messages, paths, pseudonyms

type Row = dict[str, Any]


class Pending:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.bodies = BodyStore(connection)
        self.exchanges = ExchangeRows(connection)
        self._add_messages = Insertion(connection, messages)
        self._add_closings = Insertion(connection, closings)
        self._add_pseudonyms = Insertion(connection, pseudonyms, only_new=True)
        self.messages: list[Row] = []
        self.closings: list[Row] = []
        self.pseudonyms: list[Row] = []

    def flush(self) -> None:
        self.bodies.flush()
        self.exchanges.flush()
        for add, rows in (
            (self._add_messages, self.messages),
            (self._add_closings, self.closings),
            (self._add_pseudonyms, self.pseudonyms),
        ):
            add(rows)
            rows.clear()

    def forget(self) -> None:
        """Empties the tables."""
        self.flush()
        for table in (messages, closings, exchanges, fields, paths, chunks, bodies):
            self._connection.execute(table.delete())
        self.exchanges.forget()
