"""What a part of the benchmark is: peers that are compared with one another, and what has to hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from benchmarks.comparing import Target
from benchmarks.peers.peer import Peer


@dataclass(frozen=True, slots=True)
class Contender:
    """A peer with a cassette of so many exchanges; `sized`: the part has it with other ones as well."""

    peer: Peer
    exchanges: int
    sized: bool = False

    @property
    def name(self) -> str:
        return f"{self.peer.name}@{self.exchanges}" if self.sized else self.peer.name

    @property
    def title(self) -> str:
        return f"{self.peer.title}, {self.exchanges:,} exchanges" if self.sized else self.peer.title


@dataclass(frozen=True, slots=True)
class Part:
    """`standard`: the contender in ratios of which the others are told; `upstream`: the instance that they record.

    `writes`: a turn lasts until what was recorded is on the disk. `rounds`: at most, where there are many contenders.
    `starts`: how often one that starts quickly is started, to be timed. `sorted`: sizes of cassettes that are asked for
    each sort of answer as well.
    """

    name: str
    title: str
    standard: str
    contenders: Sequence[Contender]
    targets: Sequence[Target]
    upstream: Contender | None = None
    writes: bool = False
    rounds: int | None = None
    starts: int = 1
    sorted: Sequence[int] = ()

    def only(self, names: Collection[str]) -> Part:
        """With these peers, and what is demanded of them alone."""
        contenders = [contender for contender in self.contenders if contender.peer.name in names]
        left = {contender.name for contender in contenders}
        return replace(
            self,
            contenders=contenders,
            targets=[target for target in self.targets if set(target.concerned) <= left],
        )


def with_all(peers: Sequence[Peer], exchanges: int) -> list[Contender]:
    return [Contender(peer, exchanges) for peer in peers]
