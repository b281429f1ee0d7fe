"""Adding what may be there already."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import Insert, insert


def insert_new(table: Table) -> Insert:
    """An INSERT that leaves out rows of which a unique key is there: SQLite and PostgreSQL spell it alike."""
    return insert(table).on_conflict_do_nothing()
