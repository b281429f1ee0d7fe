"""What the size of a cassette costs: `uv run python -m benchmarks.growth [EXCHANGES ...]`.

Over cassettes of 1,000, 100,000 and 1,000,000 exchanges (`grown.py`) in a folder outside of the project. `serve` is
started on each in turns: how long it takes to its first answer, and the memory it has then and after many answers. In
process each sort of answer is asked for in turns, in seconds of processor time; each round opens the cassettes anew, so
that nothing was answered before. A ratio is that to the smallest cassette, of the same round; told is the median.
"""

from __future__ import annotations

import http.client
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table
from support.process import Peertape

from benchmarks import cache, grown, machine, workload
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.config import settings as config
from peertape.proxy.cli import assembly, progress
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Request

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 5
ASKED = 40  # requests of a sort in a round
DIFFERENT = 10_000  # answers after which the memory is looked at
SLOWER = 1.5  # times as slow as the smallest cassette, at most
FIRST_ANSWER = 0.7  # seconds
SEED = 5

Ask = Callable[[random.Random, int], Request]  # `videos`: how many there are


def _of_video(target: str, method: str = "GET", body: bytes = b"") -> Ask:
    return lambda chance, videos: _request(method, target.format(grown.uuid(chance.randrange(1, videos))), body)


def _page(parameters: str, moved: int = 0) -> Ask:
    def ask(chance: random.Random, videos: int) -> Request:
        start = chance.randrange(videos // grown.PAGE) * grown.PAGE + moved
        return _request("GET", f"/api/v1/videos?{parameters}&start={start}")

    return ask


def _login(chance: random.Random, _videos: int) -> Request:
    form = {"grant_type": "password", "response_type": "code", "username": grown.user(chance.randrange(5))}
    body = urlencode({**grown.CLIENT, **form, "password": grown.PASSWORD}).encode()
    return _request("POST", "/api/v1/users/token", body, "application/x-www-form-urlencoded")


# By name: what is asked, and the source of its answer.
SORTS: Mapping[str, tuple[Ask, str]] = {
    "the same request": (_of_video("/api/v1/videos/{}"), "recorded"),
    "the same by another name (tolerant)": (
        lambda chance, videos: _request("GET", f"/api/v1/videos/{chance.randrange(1, videos)}"),
        "recorded",
    ),
    "a page of a list, otherwise spelled": (_page(f"sort=-publishedAt&count={grown.PAGE}"), "recorded"),
    "another window of a list": (_page("sort=-publishedAt&count=5", moved=4), "derived"),
    "a login": (_login, "recorded"),
    "401: a comment without login": (
        _of_video("/api/v1/videos/{}/comment-threads", "POST", b'{"text":"No"}'),
        "emulated",
    ),
    "404: no such video": (
        lambda chance, _: _request("GET", f"/api/v1/videos/{grown.uuid(chance.randrange(10**9), 'none')}"),
        "emulated",
    ),
    "a miss, explained": (_of_video("/api/v1/videos/{}/captions"), "miss"),
    "a miss of a list, explained": (
        lambda chance, _: _request("GET", f"/api/v1/videos?sort=-likes&categoryOneOf={chance.randrange(10**6)}"),
        "miss",
    ),
}


def _request(method: str, target: str, body: bytes = b"", kind: str = "application/json") -> Request:
    headers = Headers(grown.BROWSER)
    if body:
        headers = headers.added("Content-Length", str(len(body))).added("Content-Type", kind)
    return Request(method, target, headers, body)


def _videos(exchanges: int) -> int:
    """That are surely in a cassette of so many."""
    return max(grown.PAGE, exchanges // 4 // grown.PAGE * grown.PAGE)


class _Played:
    """A cassette in this process."""

    def __init__(self, path: Path, exchanges: int, stack: ExitStack) -> None:
        settings = config.load({"limits": "off"})
        parts = stack.enter_context(assembly.parts(settings, open_cassettes((str(path),), settings)))
        self._engine = Engine(parts.replay_stages(Actions("replay", parts.shelf, parts.sessions, parts.tally)))
        self._session = parts.sessions.get("growth")
        self._videos = _videos(exchanges)

    def took(self, sort: str, chance: random.Random, times: int) -> float:
        """Seconds of processor time for an answer."""
        ask, source = SORTS[sort]
        requests = [ask(chance, self._videos) for _ in range(times)]
        begin = time.process_time()
        for request in requests:
            answer = self._engine.answer(request, self._session)
            read(answer.body)
            if answer.source.value != source:
                raise SystemExit(f"{sort}: {request.method} {request.target} was {answer.source.value}")
        return (time.process_time() - begin) / times


@contextmanager
def _served(path: Path, folder: Path) -> Iterator[tuple[Peertape, float]]:
    """A process, and the seconds to its first answer."""
    begin = time.perf_counter()
    app = Peertape(folder, "serve", str(path), "--listen", "127.0.0.1:0", "--limits", "off")
    try:
        _get(app, ["/api/v1/config"])
        yield app, time.perf_counter() - begin
    finally:
        app.stop()


def _get(app: Peertape, targets: Sequence[str]) -> None:
    connection = http.client.HTTPConnection(app.host, app.port)
    for target in targets:
        connection.request("GET", target, headers=dict(grown.BROWSER))
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"{target} was answered with {response.status}")
    connection.close()


def _memory(app: Peertape) -> float:
    """Octets that are resident, of the process and its workers."""
    statuses = [Path(f"/proc/{pid}/status").read_text("ascii").split() for pid in (app.pid, *app.children)]
    return sum(int(fields[fields.index("VmRSS:") + 1]) * 1024 for fields in statuses)


def _targets(exchanges: int) -> list[str]:
    """Of different answers, spread over the cassette; of a small one all of them again and again."""
    known = [
        exchange_target
        for number in range(1, _videos(exchanges))
        for exchange_target in (f"/api/v1/videos/{grown.uuid(number)}", grown.thumbnail(number))
    ]
    random.Random(SEED).shuffle(known)
    return [known[place % len(known)] for place in range(DIFFERENT)]


def _in_processes(cassettes: Mapping[int, Path], rows: dict[str, dict[int, list[float]]]) -> None:
    with tempfile.TemporaryDirectory(prefix="peertape-benchmark-") as name:
        folder = Path(name)
        for _ in range(ROUNDS):
            for size, path in cassettes.items():
                with _served(path, folder) as (_, took):
                    rows.setdefault("first answer of serve, s", {}).setdefault(size, []).append(took)
        for size, path in cassettes.items():
            with _served(path, folder) as (app, _):
                rows.setdefault("memory then, MB", {}).setdefault(size, []).append(_memory(app) / 1e6)
                _get(app, _targets(size))
                title = f"memory after {DIFFERENT:,} answers, MB"
                rows.setdefault(title, {}).setdefault(size, []).append(_memory(app) / 1e6)


def _in_process(cassettes: Mapping[int, Path], rows: dict[str, dict[int, list[float]]]) -> None:
    chance = random.Random(SEED)
    with progress.exchanges("asking", ROUNDS * len(SORTS)) as show:
        for place in range(ROUNDS):
            with ExitStack() as stack:
                played = {size: _Played(path, size, stack) for size, path in cassettes.items()}
                for number, sort in enumerate(SORTS, 1):
                    for size, one in played.items():
                        one.took(sort, chance, 1)  # makes ready what is made once
                        took = one.took(sort, chance, ASKED)
                        rows.setdefault(f"{sort}, ms", {}).setdefault(size, []).append(took * 1e3)
                    show(place * len(SORTS) + number, ROUNDS * len(SORTS))


def _ratios(values: Mapping[int, Sequence[float]], size: int) -> list[float]:
    smallest = min(values)
    return [mine / least for mine, least in zip(values[size], values[smallest], strict=True)]


def main() -> int:
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    logging.disable(logging.WARNING)
    console = Console(width=None if sys.stdout.isatty() else 150)
    cassettes = {size: workload.cassette_of(size, cache.default_folder()) for size in sorted(sizes)}
    rows: dict[str, dict[int, list[float]]] = {}
    _in_processes(cassettes, rows)
    _in_process(cassettes, rows)
    largest = max(sizes)
    table = Table(title="Growth", caption=f"Ratio: the largest to the smallest, of a round, in the median of {ROUNDS}")
    table.add_column("")
    for size in cassettes:
        table.add_column(f"{size:,}", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column("spread", justify="right")
    missed = []
    for title, values in rows.items():
        ratios = _ratios(values, largest)
        ratio = statistics.median(ratios)
        medians = [f"{statistics.median(values[size]):.3g}" for size in cassettes]
        table.add_row(title, *medians, f"{ratio:.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}")
        if title.endswith("ms") and ratio > SLOWER:
            missed.append(f"{title}: {ratio:.2f} times as slow, {SLOWER} at most")
    if (first := statistics.median(rows["first answer of serve, s"][largest])) > FIRST_ANSWER:
        missed.append(f"the first answer of serve takes {first:.2f} s, {FIRST_ANSWER} at most")
    console.print(machine.Machine.this().sentence, markup=False, highlight=False)
    console.print(table)
    console.print(*(f"MISSED: {one}" for one in missed), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
