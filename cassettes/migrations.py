"""How a cassette of an older version becomes one of this version: plain functions, in order, each run once.

A migration gets a connection inside a transaction; when all have run, `user_version` is `schema.VERSION`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from peertape.cassettes import schema

Migration = Callable[[Connection], None]


def create(connection: Connection) -> None:
    """Version 1: the first."""
    schema.metadata.create_all(connection)


def add_closings(connection: Connection) -> None:
    """Version 2: how WebSockets were closed."""
    schema.closings.create(connection, checkfirst=True)


MIGRATIONS: Sequence[Migration] = (create, add_closings)


def migrate(connection: Connection, version: int, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Runs what is missing after `version`; the new version."""
    for migration in migrations[version:]:
        migration(connection)
    return len(migrations)
