"""Noticing what a writer commits, without asking the server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Engine, PoolProxiedConnection, event

from peertape.cassettes.postgresql.address import Address
from peertape.cassettes.postgresql.connecting import channel_of, commits_here, quoted

if TYPE_CHECKING:
    import psycopg


class Listener:
    """Counts the commits that the server tells of (NOTIFY), on a connection that has nothing else to do.

    To ask is to look whether anything has arrived, and takes some microseconds. A commit is thus seen when its word has
    come, milliseconds after it, and one of this process at once. A lost connection is made anew, as a change.
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
                self._held.close()
                self._held = self._listening()
                self._count += 1
            return self._count + commits_here[self._address]

    def _hear(self) -> None:
        connection = _driver(self._held).pgconn
        connection.consume_input()
        while connection.notifies() is not None:
            self._count += 1

    def _listening(self) -> PoolProxiedConnection:
        held = self._engine.raw_connection()
        held.detach()  # the pool is for lookups
        _driver(held).execute(f"LISTEN {quoted(channel_of(self._address))}")
        return held

    def _close(self, _engine: Engine) -> None:
        self._held.close()


def _driver(held: PoolProxiedConnection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", held.dbapi_connection)
