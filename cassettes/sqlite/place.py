"""A cassette in a file."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import Engine

from peertape.cassettes import errors
from peertape.cassettes.place import Place
from peertape.cassettes.sqlite import checking, connecting, opening, sentences


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
        return checking.check(self.path)

    def open_reader(self) -> Engine:
        return opening.open_reader(self.path)

    def open_writer(self) -> Engine:
        return opening.open_writer(self.path)

    def close_writer(self, engine: Engine) -> None:
        opening.close_writer(engine)

    def changes(self, engine: Engine) -> Callable[[], int]:
        return connecting.changes(self.path, engine)

    def sentence_for(self, cause: BaseException) -> errors.CassetteError:
        return sentences.sentence_for(self.path, cause)

    def remove(self) -> None:
        opening.remove(self.path)

    def octets(self) -> int:
        return self.path.stat().st_size

    def files(self) -> Sequence[Path]:
        """Its log as well."""
        return [file for file in (self.path, connecting.log_of(self.path)) if file.exists()]

    def beside(self) -> Self:
        target = self.path.resolve()  # a link stays a link
        return type(self)(target.with_name(f".{target.name}.{secrets.token_hex(4)}.part"))

    def replace_with(self, other: Self) -> None:
        target = self.path.resolve()
        with self.explained():
            shutil.copymode(target, other.path)
            other.path.replace(target)
