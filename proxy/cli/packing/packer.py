"""Walks over what is needed, and asks for what the cassette lacks. Files wait until the documents that name them are
there, and fill the time in which a limit's window has to be waited for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace

from peertape.addons.addresses import OffLimitsError
from peertape.addons.handoff import CutError
from peertape.addons.instance import AwayError
from peertape.cassettes.headers import Headers
from peertape.cassettes.recording import Recording
from peertape.proxy.cli.packing.asking import FIRST_PAUSE, PASSING, TRIES, AskedInVainError, Asking, Got, reason
from peertape.proxy.cli.packing.patience import Patience
from peertape.proxy.cli.packing.showing import Showing
from peertape.proxy.engine.inventory import hls
from peertape.proxy.engine.inventory.holdings import Asker, Holdings
from peertape.proxy.engine.inventory.needs import Held, Need, Walk, What, without
from peertape.proxy.engine.inventory.places import Home
from peertape.proxy.engine.ranges import Span, parse_content_range

PIECE = 32 * 1024 * 1024  # octets of a big file that are asked for at once: what is lost by a stop
PASSES = 3  # over a file, if it changes meanwhile
REDIRECTIONS = 5
_REDIRECTED = frozenset({301, 302, 303, 307, 308})


class RecordingFailedError(Exception):
    """Nothing more can be recorded; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Failure:
    need: Need
    reason: str


@dataclass(slots=True)
class Packer:
    asking: Asking
    recording: Recording
    holdings: Holdings
    asker: Asker
    home: Home
    patience: Patience
    showing: Showing
    stored: int = 0
    octets: int = 0
    known: int = 0
    failures: list[Failure] = field(default_factory=list)
    refused: list[tuple[Need, int]] = field(default_factory=list)
    _later: deque[tuple[Need, Held]] = field(default_factory=deque)
    _seen: dict[tuple[object, ...], Held] = field(default_factory=dict)

    async def run[T](self, walk: Walk[T]) -> T:
        """To the end, with all the files that it names. Raises AskedInVainError if the instance is away."""
        try:
            need = next(walk)
            while True:
                need = walk.send(await self._have(need))
        except StopIteration as end:
            while self._later:
                await self._store(*self._later.popleft())
            result: T = end.value
            return result

    async def _have(self, need: Need) -> Held:
        key = (need.method, need.place, need.bearer, need.password)
        if key in self._seen:
            return self._seen[key]
        held = Held() if need.what is What.TOKEN else self.holdings.look(need)
        if held.satisfies(need) and not _goes_on(need, held):
            self.known += 1
        elif need.is_read:
            held = await self._read(need)
        else:
            self._later.append((need, held))
            self.showing.expect(_size(need, held))
        self._seen[key] = held
        return held

    async def _read(self, need: Need) -> Held:
        got = await self._tried(need, Headers(), read=True)
        return Held(got.status, got.text, got.size) if got is not None else Held()

    async def _store(self, need: Need, held: Held) -> None:
        """A file: whole, or in pieces if it is big or a part of it is there."""
        for _ in range(PASSES):
            total = held.total or (need.media.size if need.media else None)
            if total is None or (total <= PIECE and not held.spans):
                await self._whole(need)
                return
            for gap in without(Span(0, total - 1), held.spans):
                for first in range(gap.first, gap.last + 1, PIECE):
                    last = min(gap.last, first + PIECE - 1)
                    got = await self._tried(need, Headers((("Range", f"bytes={first}-{last}"),)))
                    placed = parse_content_range(got.headers.get("content-range")) if got else None
                    if got is None or got.status != 206 or placed is None:
                        return  # it is there whole, or refused, or was asked in vain
                    if placed[1] != total:
                        break
            self.recording.flush()
            held = self.holdings.look(need)
            if held.satisfies(need) or not held.is_answered:
                return
        self.failures.append(Failure(need, "the file changes while it is asked for"))

    async def _whole(self, need: Need) -> None:
        for _ in range(REDIRECTIONS):
            got = await self._tried(need, Headers())
            if got is None or got.status not in _REDIRECTED:
                return
            place = self.home.place(got.headers.get("location") or "", need.place)
            if place is None:
                return
            need = replace(need, place=place, bearer=need.bearer and place.origin is None)

    async def _tried(self, need: Need, headers: Headers, *, read: bool = False) -> Got | None:
        """None if it did not come."""
        try:
            got = await self.ask(need, headers, read=read)
        except (AskedInVainError, OffLimitsError) as error:
            if isinstance(error, AskedInVainError) and error.is_away and need.place.origin is None:
                raise
            self.failures.append(Failure(need, str(error)))
            self.showing.failed(need, str(error))
            return None
        self.stored += 1
        self.octets += got.size
        self.showing.stored(need, got.status, got.size)
        if got.status >= 400:
            self.refused.append((need, got.status))
        return got

    async def ask(self, need: Need, headers: Headers, body: bytes = b"", *, read: bool = False) -> Got:
        """Waits for its turn; again and again, if it fails in passing. Raises AskedInVainError."""
        method, place = need.method, need.place
        said, away = "", False
        for number in range(TRIES):
            if number:
                await asyncio.sleep(FIRST_PAUSE * 2 ** (number - 1))
            await self._turn(need)
            self.showing.asks(need)
            try:
                sent = Headers((*self.asker.headers(need), *headers))
                got = await self.asking.once(method, place, sent, body, read=read)
            except (AwayError, CutError) as error:
                said, away = reason(error), isinstance(error, AwayError)
                continue
            finally:
                self.patience.sent()
                self.demand_recording()
            self.patience.heed(method, place, got.status, got.headers)
            if got.status not in PASSING:
                return got
            said, away = f"answered {got.status}", False
        raise AskedInVainError(said, is_away=away)

    async def _turn(self, need: Need) -> None:
        """What has no limit is fetched meanwhile."""
        while (wait := self.patience.seconds(need.method, need.place)) > 0:
            ready = need.is_read and self._later and self.patience.seconds("GET", self._later[0][0].place) == 0
            if ready:
                await self._store(*self._later.popleft())
                continue
            self.showing.waits(wait)
            await asyncio.sleep(min(wait, 1.0))

    def demand_recording(self) -> None:
        if self.recording.failure is not None:
            raise RecordingFailedError(self.recording.failure)


def _goes_on(need: Need, held: Held) -> bool:
    """A live's playlist tells more each time."""
    return need.what is What.PLAYLIST and not hls.is_master(held.text) and b"#EXT-X-ENDLIST" not in held.text


def _size(need: Need, held: Held) -> int:
    if need.media is None or need.media.size is None:
        return 0
    return max(0, need.media.size - sum(span.size for span in held.spans))
