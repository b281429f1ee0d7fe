"""Loading several peers in turn, round after round, so that what else the machine does hits all alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.cache import Unavailable
from benchmarks.load import Load
from benchmarks.peers.peer import Peer
from benchmarks.peers.process import PeerFailed, Running, running
from benchmarks.workload import Workload

# Told what is done now, and whether that ends a step of what the bar counts.
Progress = Callable[[str, bool], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """`seconds`: of each load; `patience`: seconds until a peer has to have answered."""

    rounds: int = 5
    seconds: float = 3.0
    warm_up: float = 2.0
    connections: int = 32
    patience: float = 120.0


@dataclass(slots=True)
class Measured:
    """`started`: seconds to the first answer; `memory`: octets after the last load; `why_not`: what went wrong."""

    name: str
    title: str
    version: str = ""
    started: float = 0.0
    memory: int = 0
    loads: list[Load] = field(default_factory=list)
    why_not: str = ""

    @classmethod
    def read(cls, told: dict[str, Any]) -> Measured:
        return cls(**{**told, "loads": [Load(**one) for one in told["loads"]]})


def measure(
    peers: Sequence[Peer], workload: Workload, effort: Effort, wrk: str, progress: Progress, found: list[Measured]
) -> None:
    """Fills `found`, which holds what was measured also when this is interrupted. All peers run all the time."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peertape-benchmark-")))
        ready: list[tuple[Running, Path, Measured]] = []
        for peer in peers:
            progress(f"{peer.title} starts", False)
            one = Measured(peer.name, peer.title)
            found.append(one)
            try:
                run = stack.enter_context(running(peer, workload, effort.patience))
                run.check()
            except (PeerFailed, Unavailable) as error:
                one.why_not = str(error)
            else:
                one.version, one.started = peer.version(), run.started
                requests = load.write_requests(run.asks, run.authority, folder / peer.name)
                ready.append((run, requests, one))
            progress(f"{peer.title} has started", True)
        for run, requests, _ in ready:
            progress(f"{run.peer.title} warms up", False)
            load.run(wrk, run.authority, requests, effort.warm_up, effort.connections)
            progress(f"{run.peer.title} is warm", True)
        for number in range(1, effort.rounds + 1):
            for run, requests, one in ready:
                progress(f"round {number} of {effort.rounds}: {run.peer.title}", False)
                one.loads.append(load.run(wrk, run.authority, requests, effort.seconds, effort.connections))
                one.memory = run.memory()
                progress(f"round {number} of {effort.rounds}: {run.peer.title}", True)
        for run, _, one in ready:
            _check_again(run, one)


def steps(peers: Sequence[Peer], effort: Effort) -> int:
    """How many steps `measure` tells of."""
    return len(peers) * (2 + effort.rounds)


def _check_again(run: Running, one: Measured) -> None:
    bad = sum(load.refused + load.broken for load in one.loads)
    try:
        run.check()
    except (PeerFailed, OSError) as error:
        one.why_not = f"its answers were right before the load, and not after it: {error}"
    if bad:
        one.why_not = f"{bad} of its answers were refusals or broke off"
