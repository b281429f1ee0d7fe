"""What an answer costs by its sort, in cassettes of several sizes, within this process.

Each round opens the cassettes anew, and asks for each sort in turns. Before every question they forget what was found
for others: of a small cassette most would otherwise be in memory. Told are seconds of processor time.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import grown
from benchmarks.comparing import Spread, Verdict, figure, told_of
from peertape.cassettes.bodies import read
from peertape.cassettes.bodyfields import FORM
from peertape.cassettes.headers import Headers
from peertape.config import settings as config
from peertape.proxy.cli import assembly
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Request

ASKED = 40  # requests of a sort in a round
SLOWER = 1.5  # times as slow as the smallest cassette, at most
FIRST = 0.020  # seconds at most for what the rules have to be told of first: of a small cassette they know all already
SEED = 5


@dataclass(slots=True)
class Sort:
    """`took`: by size, in the order of `sizes`, the seconds for an answer in each round.

    `within`: seconds that it may take in the largest cassette; where there are none, it is compared with the smallest.
    """

    title: str
    sizes: list[int]
    within: float | None
    took: list[list[float]] = field(default_factory=list)

    @property
    def ratio(self) -> Spread:
        """Of the largest to the smallest, of a round."""
        return Spread.of([most / least for most, least in zip(self.took[-1], self.took[0], strict=False)])

    @property
    def verdict(self) -> Verdict:
        largest = f"{self.title}, {self.sizes[-1]:,} exchanges"
        if self.within is not None:
            took = statistics.median(self.took[-1])
            return Verdict(largest, f"under {self.within * 1000:g} ms", f"{figure(took * 1000)} ms", took < self.within)
        ratio = self.ratio
        concerned = f"{largest} : {self.sizes[0]:,} exchanges"
        return Verdict(concerned, f"at most {SLOWER:g} times as much", told_of(ratio), ratio.median <= SLOWER)


@dataclass(frozen=True, slots=True)
class _Size:
    """How much is surely in a cassette of so many exchanges."""

    exchanges: int

    @property
    def videos(self) -> int:
        return max(grown.PAGE, self.exchanges // 4 // grown.PAGE * grown.PAGE)

    @property
    def logins(self) -> int:
        return max(1, self.videos // grown.PAGE // grown.ROUNDS_OF_A_LOGIN)


type Ask = Callable[[random.Random, _Size], Request]


def _of_video(target: str, method: str = "GET", body: bytes = b"") -> Ask:
    return lambda chance, size: _request(method, target.format(grown.uuid(chance.randrange(1, size.videos))), body)


def _anothers(chance: random.Random, size: _Size) -> Request:
    """To remove a video of somebody else."""
    login, video = chance.randrange(size.logins), chance.randrange(1, size.videos)
    video += grown.user(login) == grown.user(video)
    return _request("DELETE", f"/api/v1/videos/{grown.uuid(video)}", token=grown.token(login))


def _page(parameters: str, moved: int = 0) -> Ask:
    def ask(chance: random.Random, size: _Size) -> Request:
        start = chance.randrange(size.videos // grown.PAGE) * grown.PAGE + moved
        return _request("GET", f"/api/v1/videos?{parameters}&start={start}")

    return ask


def _login(password: str) -> Ask:
    def ask(chance: random.Random, size: _Size) -> Request:
        name = grown.user(chance.randrange(size.logins))
        form = {"grant_type": "password", "response_type": "code", "username": name, "password": password}
        return _request("POST", "/api/v1/users/token", urlencode({**grown.CLIENT, **form}).encode(), FORM)

    return ask


@dataclass(frozen=True, slots=True)
class _Question:
    """`source`: of its answer."""

    ask: Ask
    source: str
    within: float | None = None


SORTS: Mapping[str, _Question] = {
    "the same request": _Question(_of_video("/api/v1/videos/{}"), "recorded"),
    "the same by another name (tolerant)": _Question(
        lambda chance, size: _request("GET", f"/api/v1/videos/{chance.randrange(1, size.videos)}"), "recorded"
    ),
    "a page of a list, otherwise spelled": _Question(_page(f"sort=-publishedAt&count={grown.PAGE}"), "recorded"),
    "another window of a list": _Question(_page("sort=-publishedAt&count=5", moved=4), "derived"),
    "a login": _Question(_login(grown.PASSWORD), "recorded"),
    "400: a wrong password": _Question(_login("a wrong one"), "emulated", FIRST),
    "401: a comment without login": _Question(
        _of_video("/api/v1/videos/{}/comment-threads", "POST", b'{"text":"No"}'), "emulated"
    ),
    "403: to remove another's video": _Question(_anothers, "emulated", FIRST),
    "404: no such video": _Question(
        lambda chance, _: _request("GET", f"/api/v1/videos/{grown.uuid(chance.randrange(10**9), 'none')}"), "emulated"
    ),
    "a miss, explained": _Question(_of_video("/api/v1/videos/{}/captions"), "miss"),
    "a miss of a list, explained": _Question(
        lambda chance, _: _request("GET", f"/api/v1/videos?sort=-likes&categoryOneOf={chance.randrange(10**6)}"), "miss"
    ),
}


def _request(
    method: str, target: str, body: bytes = b"", kind: str = "application/json", token: str | None = None
) -> Request:
    headers = Headers(grown.BROWSER)
    if token is not None:
        headers = headers.added("Authorization", f"Bearer {token}")
    if body:
        headers = headers.added("Content-Length", str(len(body))).added("Content-Type", kind)
    return Request(method, target, headers, body)


class _Played:
    """A cassette in this process."""

    def __init__(self, path: Path, exchanges: int, stack: ExitStack) -> None:
        settings = config.load({"limits": "off"})
        parts = stack.enter_context(assembly.parts(settings, open_cassettes((str(path),), settings)))
        self._engine = Engine(parts.replay_stages(lambda: Actions("replay", parts.shelf, parts.sessions, parts.tally)))
        self._session = parts.sessions.get("growth")
        self._cassettes = parts.shelf.cassettes
        self._size = _Size(exchanges)

    def took(self, sort: str, chance: random.Random, times: int) -> float:
        """Seconds of processor time for an answer."""
        question, took = SORTS[sort], 0.0
        for request in [question.ask(chance, self._size) for _ in range(times)]:
            for cassette in self._cassettes:
                cassette.forget()
            begin = time.process_time()
            answer = self._engine.answer(request, self._session)
            read(answer.body)
            took += time.process_time() - begin
            if answer.source.value != question.source:
                raise SystemExit(f"{sort}: {request.method} {request.target} was {answer.source.value}")
        return took / times


def measure(cassettes: Mapping[int, Path], rounds: int, found: list[Sort], step: Callable[[], None]) -> None:
    """Fills `found`, which holds what was measured also when this is interrupted; a step is one sort in one round."""
    chance, sizes = random.Random(SEED), sorted(cassettes)
    found += [Sort(title, sizes, question.within, [[] for _ in sizes]) for title, question in SORTS.items()]
    for _ in range(rounds):
        with ExitStack() as stack:
            played = [_Played(cassettes[size], size, stack) for size in sizes]
            for sort in found:
                for one, took in zip(played, sort.took, strict=True):
                    one.took(sort.title, chance, 1)  # makes ready what is made once
                    took.append(one.took(sort.title, chance, ASKED))
                step()
