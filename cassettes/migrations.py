"""How a cassette of an older version becomes one of this version: plain functions, in order, each run once.

A migration gets a connection inside a transaction, in which foreign keys are not looked after; when all have run,
`user_version` is `schema.VERSION`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import batched, groupby
from typing import Any

from sqlalchemy import Connection, insert, text

from peertape.cassettes import schema
from peertape.cassettes.keys import EMPTY_DIGEST, KEY_LENGTH, meaning
from peertape.cassettes.mentions.writer import note_all
from peertape.cassettes.version4 import tell_bodies_apart

Migration = Callable[[Connection], None]
_PAGE = 500  # exchanges at once
_PARTS = {
    "request": "request_headers",
    "request trailer": "request_trailers",
    "response": "response_headers",
    "response trailer": "response_trailers",
}
_OLD_INDEXES = (
    "exchanges_by_exact_key",
    "exchanges_by_telling_key",
    "exchanges_by_folded_path",
    "credentials_by_user",
    "resources_by_uuid",
)
_UNCHANGED = ("meta", "messages", "closings", "pseudonyms", "users", "credentials", "resources")  # but for their layout


def create(connection: Connection) -> None:
    """A new cassette, of this version."""
    schema.metadata.create_all(connection)


def add_closings(connection: Connection) -> None:
    """Version 2: how WebSockets were closed."""
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS closings (exchange_id INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL,"
        " from_client INTEGER NOT NULL, code INTEGER NOT NULL, reason TEXT NOT NULL)"
    )


def store_fields_once(connection: Connection) -> None:
    """Version 3: fields and paths that are alike are stored once, and exchanges are found by what they tell of."""
    for index in _OLD_INDEXES:
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index}")
    for table in (*_UNCHANGED, "headers", "exchanges"):
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO old_{table}")
    schema.metadata.create_all(connection)
    for table in _UNCHANGED:
        columns = ", ".join(f'"{column}"' for column in schema.metadata.tables[table].c.keys())  # noqa: SIM118
        connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM old_{table}")
    connection.exec_driver_sql(
        "INSERT INTO fields (name, value) SELECT name, value FROM old_headers GROUP BY name, value ORDER BY min(rowid)"
    )
    connection.exec_driver_sql(
        "INSERT INTO paths (folded) SELECT folded_path FROM old_exchanges WHERE folded_path IS NOT NULL"
        " GROUP BY folded_path ORDER BY min(id)"
    )
    connection.exec_driver_sql("INSERT INTO hosts (authority) SELECT DISTINCT authority FROM old_exchanges")
    connection.exec_driver_sql("CREATE TEMPORARY TABLE known AS SELECT id, name, value FROM fields")
    connection.exec_driver_sql("CREATE INDEX known_by_text ON known (name, value, id)")
    for rows in batched(_exchanges(connection), _PAGE, strict=False):
        connection.execute(insert(schema.exchanges), rows)
    connection.exec_driver_sql(
        "INSERT INTO tokens (pseudonym, refused, passed) SELECT credential, max(status IS 401), max(status < 400 AND"
        " EXISTS (SELECT * FROM old_headers WHERE exchange_id = id AND part = 'response'"
        " AND lower(name) = 'retry-after')) FROM old_exchanges WHERE credential IS NOT NULL GROUP BY credential"
    )
    connection.exec_driver_sql("DROP TABLE known")
    note_all(connection)
    for table in ("headers", *_UNCHANGED, "exchanges"):
        connection.exec_driver_sql(f"DROP TABLE old_{table}")


def _exchanges(connection: Connection) -> Iterator[dict[str, Any]]:
    """As version 3 has them."""
    lists = groupby(
        connection.exec_driver_sql(
            "SELECT exchange_id, part, known.id FROM old_headers JOIN known USING (name, value)"
            " ORDER BY exchange_id, part, position"
        ),
        key=lambda row: (int(row[0]), str(row[1])),
    )
    upcoming = next(lists, None)
    old = connection.execute(
        text(
            "SELECT old_exchanges.*, paths.id AS path FROM old_exchanges LEFT JOIN paths ON folded = folded_path"
            " ORDER BY old_exchanges.id"
        )
    )
    for row in old.mappings():
        made = {name: value for name, value in row.items() if name != "folded_path"}
        made |= dict.fromkeys((*_PARTS.values(), "meaning", "window")) | {"request_headers": "[]"}
        if row["status"] is not None:
            made["response_headers"] = "[]"
        if row["folded_path"] is not None:
            told = meaning(row["target"].partition("?")[2])
            made |= {"meaning": told.rest, "window": told.window}
        for key in ("exact_key", "telling_key"):
            made[key] = None if row[key] is None else row[key][:KEY_LENGTH]
        if row["body_digest"] == EMPTY_DIGEST:
            made["body_digest"] = None
        while upcoming is not None and upcoming[0][0] <= row["id"]:
            (number, part), fields = upcoming
            if number == row["id"]:
                made[_PARTS[part]] = json.dumps([field[2] for field in fields], separators=(",", ":"))
            upcoming = next(lists, None)
        yield made


MIGRATIONS: Sequence[Migration] = (create, add_closings, store_fields_once, tell_bodies_apart)


def migrate(connection: Connection, version: int, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Runs what is missing after `version`, 0 where there is nothing; the new version."""
    for migration in migrations[version:] if version else migrations[:1]:
        migration(connection)
    return len(migrations)
