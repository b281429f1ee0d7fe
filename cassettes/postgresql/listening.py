"""Noticing what a writer commits, without asking the server."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from peertape.cassettes.postgresql.address import Address
from peertape.cassettes.postgresql.connecting import channel_of, commits_here, quoted

if TYPE_CHECKING:
    import psycopg


class Listener:
    """Counts the commits that the server tells of (NOTIFY), on a connection that has nothing else to do.

    To ask is to look whether anything has arrived, and takes some microseconds. A commit is thus seen when its word has
    come, milliseconds after it, and one of this process at once. A lost connection is made anew, as a change, and so is
    each look while there is none: the lookup behind it tells what is wrong.
    """

    def __init__(self, engine: Engine, address: Address) -> None:
        self._engine = engine
        self._address = address
        self._count = 0
        self._one_at_a_time = threading.Lock()
        self._held = self._listening()
        event.listen(engine, "engine_disposed", self._close)

    def __call__(self) -> int:
        import psycopg

        with self._one_at_a_time:
            try:
                self._hear()
            except psycopg.OperationalError:
                self._count += 1
                self._held.close()
                with suppress(psycopg.OperationalError, DBAPIError):
                    self._held = self._listening()
            return self._count + commits_here[self._address]

    def _hear(self) -> None:
        connection = self._held.pgconn
        connection.consume_input()
        while connection.notifies() is not None:
            self._count += 1

    def _listening(self) -> psycopg.Connection[Any]:
        held = self._engine.raw_connection()
        held.detach()  # the pool is for lookups
        connection = cast("psycopg.Connection[Any]", held.dbapi_connection)
        connection.execute(f"LISTEN {quoted(channel_of(self._address))}")
        return connection

    def _close(self, _engine: Engine) -> None:
        self._held.close()
