"""The rows of a cassette, and what was found in them, remembered until it may be another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sqlalchemy import BindParameter, Row, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from peertape.cassettes import schema
from peertape.cassettes.place import Place
from peertape.cassettes.places import place_of

LOOKUPS_KEPT = 1024  # what was found, which several stages ask for within one request

# Changes with every exchange that begins, and with what is learned when one ends.
_NEWEST = select(
    select(func.max(schema.exchanges.c.id)).scalar_subquery(),
    select(func.count()).select_from(schema.meta).scalar_subquery(),
)


def literal(value: int) -> BindParameter[int]:
    """In the statement itself: an index of some rows is used only where it shows that these are meant."""
    return bindparam(None, value, literal_execute=True)


class Reader:
    """A connection to a cassette that is only read; sees what a writer adds meanwhile."""

    def __init__(self, place: Path | Place) -> None:
        self.place = place_of(place)
        self._engine = self.place.open_reader()
        # Differs from what it was whenever anybody has written in between.
        self.changes: Callable[[], int] = self.place.changes(self._engine)
        self._cache: OrderedDict[tuple[object, ...], object] = OrderedDict()
        self._cached_at: int | None = None
        self._version_cache: dict[str, object] = {}
        self._version_at: int | None = None

    def close(self) -> None:
        self._engine.dispose()

    def forget(self) -> None:
        """What was found is looked for anew, as if it had just been opened."""
        self._cache.clear()

    def version(self) -> tuple[int, ...]:
        """Changes whenever an exchange is added or something is learned."""
        row = self._rows(_NEWEST)[0]
        return tuple(value or 0 for value in row)

    def _cached_by_version[T](self, name: str, find: Callable[[], T]) -> T:
        """What was found, until `version` is another: for what takes long to find, and lasts."""
        if (changes := self.changes()) != self._version_at:
            self._version_at = changes
            if self._version_cache.get("version") != (version := self.version()):
                self._version_cache = {"version": version}
        if name not in self._version_cache:
            self._version_cache[name] = find()
        return cast(T, self._version_cache[name])

    def _cached[T](self, key: tuple[object, ...], find: Callable[[], T]) -> T:
        """What was found under that key, until anything is written."""
        if (changes := self.changes()) != self._cached_at:
            self._cached_at = changes
            self._cache.clear()
        if key in self._cache:
            self._cache.move_to_end(key)
            return cast(T, self._cache[key])
        found = self._cache[key] = find()
        if len(self._cache) > LOOKUPS_KEPT:
            self._cache.popitem(last=False)
        return found

    def _rows(self, query: Any, **values: Any) -> list[Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(query, values).all())
        except DBAPIError as error:
            raise self.place.sentence_for(error.orig or error) from error
