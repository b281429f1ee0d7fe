"""What a part of the benchmark is: peers that are compared with one another, and what has to hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from benchmarks.comparing import Demand, Promptness
from benchmarks.peers.peer import Peer


@dataclass(frozen=True, slots=True)
class Part:
    """`standard`: the peer in ratios of which the others are told; `upstream`: the instance that they are in front of.

    `writes`: they record, and a turn lasts until that is on the disk.
    """

    name: str
    title: str
    exchanges: int
    standard: str
    peers: Sequence[Peer]
    demands: Sequence[Demand | Promptness]
    upstream: Peer | None = None
    writes: bool = False

    def only(self, names: Collection[str]) -> Part:
        """With these peers, and what is demanded of them alone."""
        return replace(
            self,
            peers=[peer for peer in self.peers if peer.name in names],
            demands=[demand for demand in self.demands if set(demand.concerned) <= set(names)],
        )
