"""What SQLite does for a piece of work: its statements, and the steps of its virtual machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

EVERY = 10  # steps


@dataclass
class Work:
    """`statements`: with the values that they were given first."""

    steps: int = 0
    statements: dict[str, Any] = field(default_factory=dict)

    def scans(self, path: Path) -> dict[str, list[str]]:
        """By statement, what of its plan goes through a whole table."""
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            plans = {
                statement: [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
                for statement, values in self.statements.items()
                if not statement.startswith("PRAGMA")
            }
        finally:
            connection.close()
        found = {statement: [line for line in plan if line.startswith("SCAN")] for statement, plan in plans.items()}
        return {statement: lines for statement, lines in found.items() if lines}


@contextmanager
def counted() -> Iterator[Work]:
    """Of cassettes that are opened within."""
    work = Work()

    def step() -> int:
        work.steps += EVERY
        return 0

    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_progress_handler(step, EVERY)

    def executing(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        work.statements.setdefault(statement, values)

    event.listen(Engine, "connect", connected)
    event.listen(Engine, "before_cursor_execute", executing)
    try:
        yield work
    finally:
        event.remove(Engine, "connect", connected)
        event.remove(Engine, "before_cursor_execute", executing)
