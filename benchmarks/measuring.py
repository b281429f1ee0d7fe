"""Loading several peers in turn, round after round, so that what else the machine does hits all alike."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import load
from benchmarks.cache import Unavailable
from benchmarks.load import Load
from benchmarks.measured import Effort, Measured
from benchmarks.parts.part import Part
from benchmarks.peers.peer import Peer
from benchmarks.peers.process import PeerFailed, Running, running
from benchmarks.workload import Workload

QUICK = 3.0  # seconds
STEP = 2.0  # seconds of the warm-up

# Told what is done now, and whether that ends a step of what the bar counts.
Progress = Callable[[str, bool], None]


@dataclass(slots=True)
class _Turn:
    """A peer that runs, and what it has answered until now."""

    run: Running
    requests: Path
    measured: Measured
    answered: int = 0

    def load(self, wrk: str, seconds: float, effort: Effort, *, writes: bool) -> Load:
        done = load.run(wrk, self.run.authority, self.requests, seconds, effort.connections, self.answered)
        self.answered += done.requests
        settled = self.run.settled()  # or it would go on with what it was asked last in the next one's turn
        return replace(done, settled=settled) if writes else done

    def warm_up(self, wrk: str, effort: Effort, *, writes: bool) -> None:
        """Asks for everything, as far as there is time: what is kept ready the second time is then ready."""
        until, enough = time.monotonic() + effort.warm_up, len(self.run.asks) * self.run.peer.passes
        while self.answered < enough and time.monotonic() < until:
            self.measured.warm_up.append(self.load(wrk, STEP, effort, writes=writes))


def measure(
    part: Part,
    workloads: Mapping[int, Workload],
    effort: Effort,
    wrk: str,
    progress: Progress,
    found: list[Measured],
) -> None:
    """Fills `found`, which holds what was measured also when this is interrupted. All peers run all the time.

    `workloads`: by the number of exchanges.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peertape-benchmark-")))
        turns: list[_Turn] = []
        for contender in part.contenders:
            progress(f"{contender.title} starts", False)
            one = Measured(contender.name, contender.peer.title, contender.title, contender.exchanges)
            found.append(one)
            try:
                workload = workloads[contender.exchanges]
                one.starts = _starts(contender.peer, workload, part.starts - 1, effort)
                run = stack.enter_context(running(contender.peer, workload, effort.patience))
                run.check()
            except (PeerFailed, Unavailable) as error:
                one.why_not = str(error)
            else:
                one.version, one.stored = contender.peer.version(), run.stored
                one.starts.append(run.started)
                turns.append(_Turn(run, load.write_requests(run.asks, run.authority, folder / contender.name), one))
            progress(f"{contender.title} has started", True)
        for turn in turns:
            progress(f"{turn.measured.title} warms up", False)
            turn.warm_up(wrk, effort, writes=part.writes)
            progress(f"{turn.measured.title} is warm", True)
        for number in range(1, effort.rounds + 1):
            for turn in turns:
                what = f"round {number} of {effort.rounds}: {turn.measured.title}"
                progress(what, False)
                turn.measured.loads.append(turn.load(wrk, effort.seconds, effort, writes=part.writes))
                turn.measured.memory = turn.run.memory()
                progress(what, True)
        for turn in turns:
            progress(f"{turn.measured.title} ends", False)
            _end(turn)


def _starts(peer: Peer, workload: Workload, times: int, effort: Effort) -> list[float]:
    """Seconds to the first answer of starts before the one that counts; one that is slow is not started again."""
    found: list[float] = []
    while len(found) < times and all(seconds < QUICK for seconds in found):
        with running(peer, workload, effort.patience) as run:
            found.append(run.started)
    return found


def steps(part: Part, effort: Effort) -> int:
    """How many steps `measure` tells of."""
    return len(part.contenders) * (2 + effort.rounds)


def _end(turn: _Turn) -> None:
    bad = sum(load.refused + load.broken for load in turn.measured.loads)
    try:
        turn.run.check()
        turn.run.end(turn.answered)
    except (PeerFailed, OSError) as error:
        turn.measured.why_not = f"all was right before the load, and not after it: {error}"
    if bad:
        turn.measured.why_not = f"{bad} of its answers were refusals or broke off"
