"""Where a cassette lies: in a file, or as a schema on a team's PostgreSQL server."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import Engine

from peertape.cassettes import errors, sqlite
from peertape.cassettes.place import Place
from peertape.cassettes.postgresql.address import Address
from peertape.cassettes.postgresql.place import ServerPlace


@dataclass(frozen=True, slots=True)
class FilePlace(Place):
    """An SQLite file."""

    path: Path

    driver_errors: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error,)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".cassette")

    def exists(self) -> bool:
        return self.path.exists()

    def check(self) -> int:
        return sqlite.check(self.path)

    def open_reader(self) -> Engine:
        return sqlite.open_reader(self.path)

    def open_writer(self) -> Engine:
        return sqlite.open_writer(self.path)

    def close_writer(self, engine: Engine) -> None:
        sqlite.close_writer(engine)

    def changes(self, engine: Engine) -> Callable[[], int]:
        return sqlite.changes(self.path, engine)

    def sentence_for(self, cause: BaseException) -> errors.CassetteError:
        return sqlite.sentence_for(self.path, cause)

    def remove(self) -> None:
        sqlite.remove(self.path)

    def octets(self) -> int:
        return self.path.stat().st_size

    def files(self) -> Sequence[Path]:
        """Its log as well."""
        return [file for file in (self.path, sqlite.log_of(self.path)) if file.exists()]

    def beside(self) -> Self:
        target = self.path.resolve()  # a link stays a link
        return type(self)(target.with_name(f".{target.name}.{secrets.token_hex(4)}.part"))

    def replace_with(self, other: Self) -> None:
        target = self.path.resolve()
        with self.explained():
            shutil.copymode(target, other.path)
            other.path.replace(target)


def named(name: str) -> Place:
    """The place that a name on the command line stands for."""
    return ServerPlace(Address.of(name)) if "://" in name else FilePlace(Path(name))


def place_of(given: Path | Place) -> Place:
    return FilePlace(given) if isinstance(given, Path) else given
