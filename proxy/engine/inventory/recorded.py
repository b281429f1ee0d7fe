"""The videos of which cassettes hold the details, and on whose behalf each of them was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from peertape.cassettes.bodies import read
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.model import Exchange
from peertape.cassettes.paths import fold, named_resource, short_uuid
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.inventory.holdings import LARGEST_READ, Asker
from peertape.proxy.engine.inventory.places import Home, origin_of

PASSWORD = "x-peertube-video-password"


@dataclass(frozen=True, slots=True)
class RecordedVideo:
    uuid: str
    number: int | None
    asker: Asker

    @property
    def paths(self) -> tuple[str, ...]:
        """Under which the API has it."""
        names = [self.uuid, short_uuid(self.uuid), *([] if self.number is None else [str(self.number)])]
        return tuple(f"/api/v1/videos/{name}" for name in names)


def videos(cassettes: Sequence[Cassette]) -> list[RecordedVideo]:
    """In recorded order. Each is asked for as a visitor, if one was answered; else as was done last."""
    found: dict[str, RecordedVideo] = {}
    for cassette in cassettes:
        for video in _of(cassette):
            known = found.get(video.uuid)
            if known is None or known.asker != Asker():
                found[video.uuid] = video
    return list(found.values())


def home_of(cassettes: Sequence[Cassette], public_url: str | None = None) -> Home:
    origins = (public_url, *(cassette.public_origin for cassette in cassettes))
    return Home(frozenset(origin for url in origins if url and (origin := origin_of(url))))


def _of(cassette: Cassette) -> Iterator[RecordedVideo]:
    numbers = [
        candidate.id
        for candidate in cassette.candidates()
        if candidate.method == "GET" and candidate.status == 200 and candidate.replayable and _is_video(candidate.path)
    ]
    for exchange in cassette.whole(numbers):
        told = _told(exchange)
        uuid, number = told.get("uuid"), told.get("id")
        if isinstance(uuid, str) and "privacy" in told:
            headers = exchange.request.headers
            asker = Asker(headers.get("authorization"), headers.get(PASSWORD))
            yield RecordedVideo(uuid, number if isinstance(number, int) else None, asker)


def _is_video(path: str) -> bool:
    resource = named_resource(fold(path))
    return (
        resource is not None
        and resource.kind == "video"
        and resource.before == "/api/v1/videos/"
        and (not resource.after)
    )


def _told(exchange: Exchange) -> dict[str, object]:
    if exchange.response is None or exchange.response.body.size > LARGEST_READ:
        return {}
    try:
        decoded = decode(read(exchange.response.body), codings_of(exchange.response.headers), LARGEST_READ)
        value = json.loads(decoded.octets) if decoded is not None else None
    except (TooBigError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
