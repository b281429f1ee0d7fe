"""Which routes a pattern can touch: `GET /api/v1/videos/*` and `/api/v1/videos/42` touch `GET /api/v1/videos/{id}`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from peertape.config.patterns import METHODS, Pattern
from peertape.proxy.engine.twin.contract import Book, Contract


def touched(book: Book, where: Pattern | None) -> list[Contract]:
    """In the order of the book; all of them without a pattern."""
    if where is None:
        return list(book.contracts)
    if "*" in where.glob or "{" in where.glob:
        return [contract for contract in book.contracts if touches(where.method, where.glob, contract.name)]
    methods = [where.method] if where.method else METHODS
    exact = [found.route.name for method in methods if (found := book.routes.find(method, where.glob))]
    return [contract for contract in book.contracts if contract.name in exact]


def touches(method: str | None, glob: str, route: str) -> bool:
    """Whether a path can be of the route and match the glob. `route`: as the contracts name it."""
    methods, _, path = route.partition(" ")
    if method is not None and method not in methods.split("|"):
        return False
    return _meet(_segments(glob.lower()), _segments(path.lower()))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _meet(glob: Sequence[str], route: Sequence[str]) -> bool:
    """Segment by segment; a `**` and a `{rest*}` take any number of them."""
    if not glob or not route:
        return all(segment == "**" for segment in glob) and not [s for s in route if not _is_rest(s)]
    if "**" in glob[0]:
        return _meet(glob[1:], route) or _meet(glob, route[1:])
    if _is_rest(route[0]):
        return _meet(glob, route[1:]) or _meet(glob[1:], route)
    return _alike(glob[0], route[0]) and _meet(glob[1:], route[1:])


def _is_rest(segment: str) -> bool:
    return segment.endswith("*}")


def _alike(glob: str, segment: str) -> bool:
    if "{" not in segment:
        return fnmatchcase(segment, glob.replace("[", "[[]").replace("?", "[?]"))
    if "*" in glob:
        return True
    text = re.sub(r"\\\{.*?\\\}", ".+", re.escape(segment))
    return re.fullmatch(text, glob) is not None
