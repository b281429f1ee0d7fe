"""What shared sessions cost, and what a second worker brings: `uv run python -m benchmarks.workers`.

`serve` with its sessions in memory, in a file, in Redis, each with one and with two workers, in turns, under the same
load. Beside requests per second it tells the processor time of a request, in all processes that answer (Redis too),
which hangs less on what else the machine does. On two cores wrk needs one of them: a second worker shows little of its
worth there. With `--one-core` all that answer have one core together, and wrk the others: what a request costs where a
core is busy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from support.process import Peertape
from support.redis import RedisServer

from benchmarks.load import LoadError

# One that stands prepared, and one that is emulated anew each time (404).
TARGETS = ("/api/v1/config/about", "/api/v1/videos/99999")
CONNECTIONS, SECONDS = 32, 3
ROUNDS = 5
BESIDE = "memory"
LIMITS = ("--limits", "peertube*1000000")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Way:
    """`pids` are those that answer. Rates are requests per second; costs are processor time of a request, in µs."""

    process: Peertape
    pids: Sequence[int]
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


@contextmanager
def ways() -> Iterator[dict[str, Way]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        redis = stack.enter_context(RedisServer())

        def serve(*arguments: str) -> Peertape:
            process = Peertape(folder, "serve", *LIMITS, "--listen", "127.0.0.1:0", *arguments)
            stack.callback(process.stop)
            return process

        def alone(*arguments: str, beside: Sequence[int] = ()) -> Way:
            process = serve(*arguments)
            return Way(process, (process.pid, *beside))

        def two(*arguments: str, beside: Sequence[int] = ()) -> Way:
            process = serve("--workers", "2", *arguments)
            return Way(process, (*process.children, *beside))

        yield {
            BESIDE: alone(),
            "file": alone("--state", f"sqlite:///{folder}/sessions"),
            "Redis": alone("--state", redis.url, beside=[redis.pid]),
            "2 workers": two(),
            "2 workers, file": two("--state", f"sqlite:///{folder}/sessions-of-two"),
            "2 workers, Redis": two("--state", f"{redis.url}?prefix=two", beside=[redis.pid]),
        }


def use_one_core(ways: Iterable[Way]) -> None:
    first, *others = sorted(os.sched_getaffinity(0))
    for way in ways:
        for pid in {way.process.pid, *way.pids}:
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {first})
    os.sched_setaffinity(0, others)


def measure(way: Way, target: str) -> None:
    before = sum(map(_processor_time, way.pids))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", way.process.url + target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    if done.returncode or "Requests/sec" not in told:
        raise LoadError(f"wrk failed:\n{done.stderr or done.stdout}")
    rate = float(told["Requests/sec"])
    way.rates.append(rate)
    way.costs.append((sum(map(_processor_time, way.pids)) - before) / (rate * SECONDS) * 1e6)


def _processor_time(pid: int) -> float:
    """Seconds, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def report(target: str, measured: Mapping[str, Way]) -> None:
    beside = measured[BESIDE]
    print(f"\n{target}")
    print(f"{'sessions':18} {'requests/s':>10} {'of memory':>24} {'µs of processor':>16} {'of memory':>24}")
    for name, way in measured.items():
        columns = (_ratio(way, beside, lambda one: one.rates), _ratio(way, beside, lambda one: one.costs))
        rate, cost = statistics.median(way.rates), statistics.median(way.costs)
        print(f"{name:18} {rate:10.0f} {columns[0]:>24} {cost:16.0f} {columns[1]:>24}")


def _ratio(way: Way, beside: Way, of: Callable[[Way], Sequence[float]]) -> str:
    ratios = [one / other for one, other in zip(of(way), of(beside), strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main(rounds: int, *, one_core: bool) -> None:
    with ways() as found:
        if one_core:
            use_one_core(found.values())
        for target in TARGETS:
            for way in found.values():
                way.rates.clear()
                way.costs.clear()
            for _ in range(rounds):
                for way in found.values():
                    measure(way, target)
            report(target, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers")
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    parser.add_argument("--one-core", action="store_true")
    wanted = parser.parse_args()
    main(wanted.rounds, one_core=wanted.one_core)
