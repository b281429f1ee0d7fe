"""The vocabulary of the inventory: what is needed, how much of it there is, and a walk from the one to the other."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from peertape.proxy.engine.inventory.places import Place
from peertape.proxy.engine.ranges import Span


class What(StrEnum):
    """Its text is what people are told."""

    DETAILS = "details"
    TOKEN = "file token"
    PLAYLIST = "HLS playlist"
    MEDIA = "media"
    BY_HEADER = "files asked by header"
    HASHES = "segment hashes"
    DESCRIPTION = "description"
    CAPTIONS = "captions"
    CHAPTERS = "chapters"
    STORYBOARDS = "storyboards"
    COMMENTS = "comments"
    PICTURES = "pictures"
    AUTHORS = "account and channel"
    RELATED = "related videos"
    LIST = "list"
    LIVE = "live"
    INSTANCE = "instance"
    TORRENTS = "torrents"
    DOWNLOADS = "downloads"


@dataclass(frozen=True, slots=True)
class Piece:
    """What a player asks for at once: a segment, the head before the segments, or a whole file."""

    number: int | None  # of the segment; None for anything else
    span: Span | None = None  # in the file; None: all of it
    start: float = 0.0  # in the film, in seconds
    seconds: float = 0.0

    @property
    def end(self) -> float:
        return self.start + self.seconds


@dataclass(frozen=True, slots=True)
class Media:
    """A file of a rendition, with what players ask of it. `size` in octets, as far as it was told."""

    rendition: str
    pieces: tuple[Piece, ...]
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One request that an app will make.

    `bearer`, `password`: asked with the user's token, with the video's password. `plain`: where the same is had without
    the file token that stands in the query, by these two.
    """

    what: What
    place: Place
    method: str = "GET"
    is_needed: bool = False  # playing needs it; all else is nice to have
    is_read: bool = False  # the walk goes on from what it says
    media: Media | None = None
    bearer: bool = False
    password: bool = False
    plain: Place | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What there is of a need: an answer's status and text, or spans of a file. The text is that of what is read."""

    status: int | None = None
    text: bytes = b""
    total: int | None = None  # octets of the whole file
    spans: tuple[Span, ...] = ()  # that are there; ascending, and none touches another
    earlier: tuple[bytes, ...] = field(default=(), repr=False)  # texts that were recorded before, oldest first

    @property
    def is_answered(self) -> bool:
        """With what was asked for, not with a refusal."""
        return self.status is not None and 200 <= self.status < 300

    def has(self, piece: Piece) -> bool:
        if not self.is_answered:
            return False
        if piece.span is None:
            return self.total is not None and (self.total == 0 or self.covers(Span(0, self.total - 1)))
        return self.covers(piece.span)

    def covers(self, span: Span) -> bool:
        return any(held.first <= span.first and span.last <= held.last for held in self.spans)

    def missing(self, need: Need) -> tuple[Piece, ...]:
        """The pieces that are not there."""
        return tuple(piece for piece in need.media.pieces if not self.has(piece)) if need.media else ()

    def satisfies(self, need: Need) -> bool:
        return self.is_answered and not self.missing(need)

    def value(self) -> Any:
        """The JSON value; None if there is none."""
        if not self.is_answered:
            return None
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def members(self) -> dict[str, Any]:
        value = self.value()
        return value if isinstance(value, dict) else {}


type Walk[T] = Generator[Need, Held, T]
"""Yields needs and is sent what there is of each. What is not read may be answered later: an empty Held goes on."""


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    out: list[Span] = []
    for span in sorted(spans, key=lambda span: span.first):
        if out and span.first <= out[-1].last + 1:
            out[-1] = Span(out[-1].first, max(out[-1].last, span.last))
        else:
            out.append(span)
    return tuple(out)


def without(wanted: Span, held: tuple[Span, ...]) -> tuple[Span, ...]:
    """The parts of `wanted` that are in none of `held`, which ascend."""
    out, first = [], wanted.first
    for span in held:
        if span.last < first or span.first > wanted.last:
            continue
        if span.first > first:
            out.append(Span(first, span.first - 1))
        first = max(first, span.last + 1)
    if first <= wanted.last:
        out.append(Span(first, wanted.last))
    return tuple(out)
