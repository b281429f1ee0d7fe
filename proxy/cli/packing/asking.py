"""Asks one thing, and records the answer while it comes. What fails in passing is asked again, and leaves no trace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from peertape.addons.handoff import CutError
from peertape.addons.instance import Ask, AwayError, Instance, Told
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import RecordedRequest, RecordedResponse, State
from peertape.cassettes.recording import Entry, Recording
from peertape.proxy.engine.inventory.holdings import LARGEST_READ
from peertape.proxy.engine.inventory.places import Place

PATIENCE = 30.0  # seconds without any octet of an answer
TRIES = 5
FIRST_PAUSE = 0.5  # seconds before it is asked again; twice as long each time
PASSING = frozenset({429, 500, 502, 503, 504})
_SENT = (("User-Agent", "peertape"), ("Accept", "*/*"), ("Accept-Encoding", "identity"))


class AskedInVainError(Exception):
    """What was asked did not come, however often; the text says why. `is_away`: there was no answer at all."""

    def __init__(self, reason: str, *, is_away: bool = False) -> None:
        super().__init__(reason)
        self.is_away = is_away


@dataclass(frozen=True, slots=True)
class Got:
    """`text` is decoded, and there only if it was to be read."""

    status: int
    headers: Headers
    size: int
    text: bytes = b""


class Asking:
    def __init__(
        self,
        upstream: str,
        recording: Recording,
        instance: Instance,
        others: Instance,
        progress: Callable[[int], None],
        *,
        largest: int | None = None,
    ) -> None:
        """`others` asks the hosts that the instance named. `progress` is told the octets of each piece."""
        self._upstream = upstream
        self._recording = recording
        self._instance = instance
        self._others = others
        self._progress = progress
        self._largest = largest

    async def once(self, method: str, place: Place, headers: Headers, body: bytes = b"", *, read: bool = False) -> Got:
        """Raises AwayError and CutError. An answer that is a matter of the moment is not recorded."""
        origin = place.origin or self._upstream
        parts = urlsplit(origin)
        sent = Headers((("Host", parts.netloc), *_SENT, *headers))
        if body:
            sent = sent.added("Content-Length", str(len(body)))
        started = time.time()
        asker = self._instance if place.origin is None else self._others
        told = await asker.ask(Ask(method, origin, place.target.encode("ascii"), sent.to_bytes(), body))
        try:
            head = Headers.from_bytes(told.headers).only(lambda name: not name.startswith("peertape-"))
            entry = None
            if told.status != 429 and told.status < 500:
                request = RecordedRequest(method, place.target, parts.scheme, parts.netloc, "HTTP/1.1", sent)
                entry = self._recording.begin(request, started)
                if body:
                    entry.request_data(body)
                entry.request_end(started, Headers())
                version = told.http_version.decode("latin-1")
                response = RecordedResponse(told.status, told.reason.decode("latin-1"), version, head)
                entry.response_head(response, time.time(), self._largest)
            return await self._through(told, head, entry, read=read)
        finally:
            await told.close()

    async def _through(self, told: Told, head: Headers, entry: Entry | None, *, read: bool) -> Got:
        size, texts = 0, []
        pieces = aiter(told.pieces)
        try:
            while True:
                try:
                    async with asyncio.timeout(PATIENCE):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    break
                except TimeoutError as error:
                    raise CutError(f"no octet within {PATIENCE:g} s") from error
                size += len(piece)
                if entry is not None:
                    entry.response_data(piece)
                    self._progress(len(piece))
                if read and size <= LARGEST_READ:
                    texts.append(piece)
        except BaseException as error:  # Ctrl-C as well: what came is kept, and marked
            if entry is not None:
                entry.end(State.CUT, time.time(), str(error) or "the packing was stopped")
            raise
        if entry is not None:
            entry.end(State.COMPLETE, time.time())
        return Got(told.status, head, size, _decoded(b"".join(texts), head) if read else b"")


def _decoded(octets: bytes, head: Headers) -> bytes:
    try:
        decoded = decode(octets, codings_of(head), LARGEST_READ)
    except TooBigError:
        return b""
    return decoded.octets if decoded is not None else b""


def reason(error: AwayError | CutError) -> str:
    return str(error) or "the connection was cut"
