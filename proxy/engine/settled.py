"""Answers that are given again without asking the stages anew, and what they hang on.

A stage whose answer would be the same the next time says so by `settled`. Stages around it add what they know: when
that ends, what each request is counted in. One that cannot promise as much takes `settled` away again. What all of it
hangs on beside is told by the session's revision and by the cassettes' changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.limits.counters import Charge, Window
from peertape.proxy.engine.state.interface import Turn

# Of the moment by the session's clock, in epoch seconds, and of the innermost window in which the request was counted.
Tell = Callable[[float, Window | None], bytes]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settled answer hangs on, and what giving it does.

    `turns`: where the session has to stand in sequences; `played`: (cassette, exact key, exchange) of what counts as
    played; `charges`: the windows in which it is counted; `ends`: the last moment at which it holds.
    """

    turns: tuple[Turn, ...] = ()
    played: tuple[tuple[str, bytes, int], ...] = ()
    charges: tuple[Charge, ...] = ()
    ends: float = math.inf
    entry: Entry | None = None  # of the journal, as of the first time


class Momentary(str):
    """A header's value that is told anew whenever a settled answer is given again."""

    __slots__ = ("tell",)
    tell: Tell

    def __new__(cls, text: str, tell: Tell) -> Momentary:
        value = super().__new__(cls, text)
        value.tell = tell
        return value
