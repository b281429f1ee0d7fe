"""Connections to the server, each set to its cassette."""

from __future__ import annotations

import os
import select
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from peertape.cassettes.errors import DriverMissing
from peertape.cassettes.pool import READERS
from peertape.cassettes.postgresql.address import Address

if TYPE_CHECKING:
    import psycopg

LOCKS = 0x70746170  # "ptap": the first half of our advisory locks' names
LOCK_TIMEOUT = "1s"  # a writer that was just killed is gone by then
CONNECT_TIMEOUT = 10  # seconds

# Either side notices within a minute that the other's machine went away: so the lock of a writer does not outlast it.
_KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_SETTINGS = {f"tcp_{name}": str(value) for name, value in _KEEPALIVES.items()}


# The commits of this process, which its own readers see at once.
commits_here: Counter[Address] = Counter()


def reading_engine(address: Address, connections: int = READERS) -> Engine:
    """Each statement is a transaction of its own, and none can write."""
    engine = _engine(
        address,
        {"default_transaction_read_only": "on"},
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "checkout")
    def look(connection: psycopg.Connection[Any], _entry: ConnectionPoolEntry, _proxy: object) -> None:
        """Whoever has nothing to say and can be read from was closed, as when the server was started anew."""
        if select.select([connection.pgconn.socket], [], [], 0)[0]:
            raise DisconnectionError

    return engine


def writing_engine(address: Address) -> Engine:
    """Its one connection holds the lock of the writer, and tells the readers of each commit."""
    engine = _engine(address, {"default_transaction_read_only": "off"}, pool_size=1)
    channel = quoted(channel_of(address))

    @event.listens_for(engine, "connect")
    def lock(connection: psycopg.Connection[Any], _entry: ConnectionPoolEntry) -> None:
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
        connection.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (LOCKS, _lock_of(address)))
        connection.commit()

    @event.listens_for(engine, "commit")
    def tell(connection: Connection) -> None:
        connection.exec_driver_sql(f"NOTIFY {channel}")
        commits_here[address] += 1

    return engine


def channel_of(address: Address) -> str:
    """Of its database, where commits to the cassette are told."""
    return f"peertape {address.cassette}"


def quoted(name: str) -> str:
    return f'"{name}"'  # no name of ours holds a quotation mark


def _engine(address: Address, settings: dict[str, str], **options: Any) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise DriverMissing(
            "Cassettes on a PostgreSQL server need psycopg, which is not installed: pip install 'peertape[postgresql]'."
        ) from error
    from peertape.cassettes.postgresql.values import adapt

    arguments: dict[str, Any] = {"client_encoding": "UTF8", "fallback_application_name": "peertape", **_KEEPALIVES}
    if "PGCONNECT_TIMEOUT" not in os.environ:
        arguments["connect_timeout"] = CONNECT_TIMEOUT
    given = {name: value for name, value in arguments.items() if name not in address.url.query}
    engine = create_engine(
        address.url, connect_args=given, max_overflow=0, use_native_hstore=False, hide_parameters=True, **options
    )
    values = {"search_path": quoted(address.cassette), **_SETTINGS, **settings}

    @event.listens_for(engine, "connect", insert=True)
    def configure(connection: psycopg.Connection[Any], _entry: ConnectionPoolEntry) -> None:
        adapt(connection)
        for name, value in values.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        if not connection.autocommit:
            connection.commit()

    return engine


def _lock_of(address: Address) -> int:
    """The second half of the lock's name: 32 bits with a sign."""
    number = zlib.crc32(address.cassette.encode())
    return number - 2**32 if number >= 2**31 else number
