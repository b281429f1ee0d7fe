"""The worlds of moments: sessions at the same moment share one, and only so many are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from peertape.proxy.engine.twin.telling import Telling

MOST_EVENTS = 50_000  # that all kept worlds were told, together; one event takes about two kilobytes


@dataclass(slots=True)
class _Kept:
    telling: Telling
    session: str | None  # who alone uses it, and may take it along when its timeline moves on; None: several do


class Timelines:
    """By how many events each world was told."""

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self._kept: OrderedDict[int, _Kept] = OrderedDict()  # the one used longest ago first
        self._most = most

    def at(self, told: int, session: str, begun: Callable[[], Telling]) -> Telling:
        """`begun`: a world that was told nothing."""
        known = self._kept.get(told) or _Kept(self._own(told, session) or begun(), session)
        if known.session != session:
            known.session = None
        known.telling.go_on(told)
        self._kept[told] = known
        self._kept.move_to_end(told)
        while len(self._kept) > 1 and sum(self._kept) > self._most:
            self._kept.popitem(last=False)
        return known.telling

    def clear(self) -> None:
        self._kept.clear()

    def _own(self, told: int, session: str) -> Telling | None:
        """The session's own world of before, which nobody else uses: it is taken along."""
        before = max((n for n, known in self._kept.items() if n < told and known.session == session), default=None)
        return None if before is None else self._kept.pop(before).telling
