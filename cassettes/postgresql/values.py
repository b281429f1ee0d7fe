"""Python's values as PostgreSQL takes them: the same values survive, and are refused, as with SQLite."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Dumper, PyFormat
from psycopg.types.numeric import IntDumper
from psycopg.types.string import StrDumper, TextLoader

# PostgreSQL's text has no U+0000, which a path (`%00`) or an imported header may hold. So there are two signs for it,
# and for the first of these two for itself: what is looked for is spelled the same way, and so is found.
NUL = "␀"
_SPELLED = {"\0": f"{NUL}0", NUL: f"{NUL}{NUL}"}
_PLAIN = {spelled: plain for plain, spelled in _SPELLED.items()}
_TO_SPELL = re.compile(f"[\0{NUL}]")
_TO_READ = re.compile(f"{NUL}[0{NUL}]")

BIGGEST = 2**63


class _Spelling(StrDumper):
    def dump(self, obj: str) -> Buffer | None:
        if "\0" in obj or NUL in obj:
            obj = _TO_SPELL.sub(lambda found: _SPELLED[found[0]], obj)
        return super().dump(obj)


class _Reading(TextLoader):
    def load(self, data: Buffer) -> str:
        text = bytes(data).decode()
        return _TO_READ.sub(lambda found: _PLAIN[found[0]], text) if NUL in text else text


class _Bounded(IntDumper):
    """Raises what SQLite's driver raises: else the server refused the number, and all of the transaction with it."""

    def upgrade(self, obj: int, format: PyFormat) -> Dumper:  # noqa: A002 - psycopg's word
        if not -BIGGEST <= obj < BIGGEST:
            raise OverflowError(f"{obj} does not fit into 64 bits")
        return super().upgrade(obj, format)


def adapt(connection: psycopg.Connection[Any]) -> None:
    connection.adapters.register_dumper(str, _Spelling)
    connection.adapters.register_dumper(int, _Bounded)
    for name in ("text", "varchar", "bpchar"):
        connection.adapters.register_loader(name, _Reading)
