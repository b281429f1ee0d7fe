"""Finding the exchanges that tell of something, by what `writer` has noted."""

from __future__ import annotations

import math

from sqlalchemy import BindParameter, Integer, bindparam, cast, func, literal_column, select

from peertape.cassettes.mentions.names import FEW, LATEST
from peertape.cassettes.reader import Reader
from peertape.cassettes.schema import mentions

_row = mentions.c
_after = mentions.alias("later")
_NAME: BindParameter[int] = bindparam("name")
_shapes = select(func.min(_row.shape).label("shape")).where(_row.name == _NAME).cte("shapes", recursive=True)
_shapes = _shapes.union_all(
    select(
        select(func.min(_after.c.shape))
        .where(_after.c.name == _NAME, _after.c.shape > _shapes.c.shape)
        .scalar_subquery()
    ).where(_shapes.c.shape.is_not(None))
)
_lately = mentions.alias("lately")
_since = (  # when the last but so many were told
    select(_lately.c.at)
    .where(_lately.c.name == _NAME, _lately.c.shape == _shapes.c.shape, _lately.c.at <= bindparam("until"))
    .order_by(_lately.c.at.desc())
    .limit(1)
    .offset(bindparam("most") - literal_column("1"))
    .scalar_subquery()
)
_LATEST = (
    select(_row.exchange)
    .join_from(_shapes, mentions, (_row.name == _NAME) & (_row.shape == _shapes.c.shape))
    .where(_row.at <= bindparam("until"), _row.at >= func.coalesce(_since, cast(literal_column("0"), Integer)))
)
_FIRST = select(_row.exchange).where(_row.name == _NAME).limit(bindparam("most"))


class Mentioned(Reader):
    """By the numbers of `names`."""

    def telling(self, name: int, most: int, until: float = math.inf) -> list[int]:
        """The exchanges that tell of it by that moment: of each way to tell the last `most`, or those of one second."""
        moment = LATEST if until >= LATEST else max(int(until), 0)
        return [row.exchange for row in self._rows(_LATEST, name=name, most=most, until=moment)]

    def of_route(self, name: int, most: int) -> list[int] | None:
        """All successes of a route; None if they are more. `most`: less than are found by their route at all."""
        assert most < FEW
        found = self._cached(("route", name, most), lambda: self._rows(_FIRST, name=name, most=most + 1))
        return None if len(found) > most else [row.exchange for row in found]
