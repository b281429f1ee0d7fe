"""What was measured of a peer, and with how much effort."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load import Load


@dataclass(frozen=True, slots=True)
class Effort:
    """`seconds`: of each load; `patience`: seconds until a peer has to have answered.

    `warm_up`: seconds at most, in which everything is asked, as often as a peer needs.
    """

    rounds: int = 5
    seconds: float = 3.0
    warm_up: float = 60.0
    connections: int = 32
    patience: float = 180.0


@dataclass(slots=True)
class Measured:
    """`starts`: seconds to each first answer; `memory`: octets after the last load; `why_not`: what went wrong.

    `stored`: octets of the exchanges on the disk, in its own format. `peer`: its title, whatever it holds.
    """

    name: str
    peer: str
    title: str
    exchanges: int
    version: str = ""
    starts: list[float] = field(default_factory=list)
    memory: int = 0
    stored: int = 0
    warm_up: list[Load] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    why_not: str = ""

    @property
    def started(self) -> float:
        """The median; 0 if it never did."""
        return statistics.median(self.starts) if self.starts else 0.0

    @classmethod
    def read(cls, told: dict[str, Any]) -> Measured:
        loads = {name: [Load(**one) for one in told[name]] for name in ("warm_up", "loads")}
        return cls(**{**told, **loads})
