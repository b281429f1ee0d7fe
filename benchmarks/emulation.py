"""What emulated answers cost, against recorded ones: `uv run python -m benchmarks.emulation [ROUNDS]`.

Over the bundled demo, first in process (per second of processor time, so that other work does not count), then through
the proxy lane (few connections, kept alive). All sorts take turns within a round; a ratio is of the same round.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from support.process import Peertape
from support.wire import Wire

from benchmarks.asks import OVER_A_LIMIT, RECORDED, asks
from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.proxy.cli import assembly
from peertape.proxy.cli.opencassettes import DEMO, open_cassettes
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Request

LIMIT = 0.5  # of the speed of recorded answers
ROUNDS = 7
CONNECTIONS = 4
TOKEN = "benchmark"

# Sends requests of a sort; gives the seconds it took and where the answers came from.
Play = Callable[[str, Sequence[Request]], tuple[float, set[str]]]


@dataclass
class Speed:
    """Requests per second, and their ratio to recorded ones, round by round."""

    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)


def measured(sorts: Mapping[str, Sequence[Request]], play: Play, rounds: int) -> dict[str, Speed]:
    """Every request once in a round. A first round makes everything ready and is not counted."""
    speeds = {sort: Speed() for sort in sorts}
    for number in range(rounds + 1):
        for sort, requests in sorts.items():
            took, sources = play(sort, [replace(request) for request in requests])
            wanted = {"recorded", "derived"} if sort == RECORDED else {"emulated"}
            if not sources <= wanted:
                raise SystemExit(f"{sort}: answers were {', '.join(sorted(sources))}")
            if number:
                speeds[sort].rates.append(len(requests) / took)
                speeds[sort].ratios.append(speeds[sort].rates[-1] / speeds[RECORDED].rates[-1])
    return speeds


@contextmanager
def in_process() -> Iterator[Play]:
    with _engine("off") as free, _engine("peertube") as limited:

        def play(sort: str, requests: Sequence[Request]) -> tuple[float, set[str]]:
            answer = limited if sort == OVER_A_LIMIT else free
            sources = set()
            begin = time.process_time()
            for request in requests:
                sources.add(answer(request))
            return time.process_time() - begin, sources

        yield play


@contextmanager
def _engine(limits: str) -> Iterator[Callable[[Request], str]]:
    settings = config.load({"limits": limits})
    with assembly.parts(settings, open_cassettes((), settings)) as parts:
        engine = Engine(parts.replay_stages(lambda: Actions("replay", parts.shelf, parts.sessions, parts.tally)))
        parts.make_ready()
        session = parts.sessions.get("benchmark")
        session.clock.freeze(True)  # no window of a limit ends meanwhile

        def answer(request: Request) -> str:
            given = engine.answer(request, session)
            read(given.body)
            return given.source.value

        if limits != "off":
            _use_up(answer)
        yield answer


@contextmanager
def through_lane() -> Iterator[Play]:
    with TemporaryDirectory(prefix="peertape-benchmark-") as folder:
        environment = {"PEERTAPE_TOKEN": TOKEN}
        arguments = ("replay", "demo", "--listen", "127.0.0.1:0", "--limits")
        free = Peertape(Path(folder), *arguments, "off", environment=environment)
        limited = Peertape(Path(folder), *arguments, "peertube", environment=environment)
        try:
            limited.control("clock", TOKEN, {"freeze": True})
            wires = {app: [app.connect() for _ in range(CONNECTIONS)] for app in (free, limited)}
            _use_up(lambda request: _asked(wires[limited][0], _octets(request, limited), request.method))
            with ThreadPoolExecutor(CONNECTIONS) as pool:

                def play(sort: str, requests: Sequence[Request]) -> tuple[float, set[str]]:
                    app = limited if sort == OVER_A_LIMIT else free
                    ready = [(_octets(request, app), request.method) for request in requests]
                    begin = time.perf_counter()
                    found = pool.map(_all_asked, wires[app], (ready[n::CONNECTIONS] for n in range(CONNECTIONS)))
                    sources = set[str]().union(*found)
                    return time.perf_counter() - begin, sources

                yield play
        finally:
            free.stop()
            limited.stop()


def _use_up(answer: Callable[[Request], str]) -> None:
    with _demo() as cassette:
        one = asks(cassette)[OVER_A_LIMIT][0]
    for _ in range(60):
        answer(one)


def _octets(request: Request, app: Peertape) -> bytes:
    headers = request.headers.replaced("host", f"{app.host}:{app.port}")
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + request.body


def _asked(wire: Wire, octets: bytes, method: str) -> str:
    wire.send(octets)
    head, _ = wire.message(bodiless=method == "HEAD")
    return (head.get("peertape-source") or "").partition(";")[0]


def _all_asked(wire: Wire, ready: Sequence[tuple[bytes, str]]) -> set[str]:
    return {_asked(wire, octets, method) for octets, method in ready}


@contextmanager
def _demo() -> Iterator[Cassette]:
    cassette = Cassette(demo.path(), DEMO)
    try:
        yield cassette
    finally:
        cassette.close()


def _said(where: str, speeds: Mapping[str, Speed]) -> float:
    """Prints a table; gives the lowest ratio."""
    print(f"{where:24} {'requests/s':>10} {'spread':>15} {'of recorded':>12} {'spread':>13}")
    for sort, speed in speeds.items():
        rates, ratios = speed.rates, speed.ratios
        print(
            f"  {sort:22} {statistics.median(rates):10.0f} {f'{min(rates):.0f} to {max(rates):.0f}':>15} "
            f"{statistics.median(ratios):12.2f} {f'{min(ratios):.2f} to {max(ratios):.2f}':>13}"
        )
    return min(statistics.median(speed.ratios) for speed in speeds.values())


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    logging.disable(logging.WARNING)
    with _demo() as cassette:
        sorts = asks(cassette)
    with in_process() as play:
        engine = _said("in process", measured(sorts, play, rounds))
    with through_lane() as play:
        lane = _said("through the proxy lane", measured(sorts, play, rounds))
    print(f"slowest sort of emulated answers: {engine:.2f} and {lane:.2f} of recorded ones; limit {LIMIT}")
    return 0 if min(engine, lane) >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
