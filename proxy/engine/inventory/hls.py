"""HLS playlists (RFC 8216) as values: which renditions there are, and what players ask for to play one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import m3u8

from peertape.proxy.engine.inventory.needs import Piece
from peertape.proxy.engine.inventory.places import Home, Place
from peertape.proxy.engine.ranges import Span

MOST_SEGMENTS = 200_000  # of a playlist: 5 days of two-second segments


class PlaylistError(ValueError):
    """No playlist, or one that makes no sense."""


@dataclass(frozen=True, slots=True)
class Variant:
    """`width` and `height` in pixels, 0 where it is not told; `audio` names the group that it sounds by."""

    place: Place
    width: int = 0
    height: int = 0
    audio: str | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """An audio rendition of its own."""

    place: Place
    group: str


@dataclass(frozen=True, slots=True)
class Master:
    variants: tuple[Variant, ...]
    sounds: tuple[Sound, ...]


@dataclass(frozen=True, slots=True)
class Segments:
    """A media playlist: each file with what is asked of it, in playing order; and files that players need besides."""

    files: tuple[tuple[Place, tuple[Piece, ...]], ...]
    keys: tuple[Place, ...]
    seconds: float
    is_live: bool  # it goes on: there is no EXT-X-ENDLIST
    first: int  # number of its first segment


def is_master(text: bytes) -> bool:
    return b"#EXT-X-STREAM-INF" in text


def master(text: bytes, at: Place, home: Home) -> Master:
    """The master playlist that lies `at` a place."""
    parsed = _parsed(text)
    variants = []
    for entry in parsed.playlists:
        if place := home.place(entry.uri or "", at):
            width, height = entry.stream_info.resolution or (0, 0)
            variants.append(Variant(place, width, height, entry.stream_info.audio))
    sounds = [
        Sound(place, str(entry.group_id))
        for entry in parsed.media
        if entry.type == "AUDIO" and entry.uri and (place := home.place(entry.uri, at))
    ]
    if not variants:
        raise PlaylistError("it names no variants")
    return Master(tuple(variants), tuple(sounds))


def segments(text: bytes, at: Place, home: Home) -> Segments:
    """The media playlist that lies `at` a place."""
    parsed = _parsed(text)
    if len(parsed.segments) > MOST_SEGMENTS:
        raise PlaylistError(f"it has more than {MOST_SEGMENTS} segments")
    files: dict[Place, list[Piece]] = {}
    keys: dict[Place, None] = {}
    first, start = int(parsed.media_sequence or 0), 0.0
    ends: dict[Place, int] = {}  # of the range before, which one without an offset follows (section 4.3.2.2)
    for number, segment in enumerate(parsed.segments, first):
        if (head := segment.init_section) is not None and (place := home.place(head.uri or "", at)):
            piece = Piece(None, _span(head.byterange, 0))
            if piece not in files.setdefault(place, []):
                files[place].append(piece)
        if (key := segment.key) is not None and key.uri and (place := home.place(key.uri, at)):
            keys[place] = None
        seconds = float(segment.duration or 0)
        if (place := home.place(segment.uri or "", at)) is not None:
            span = _span(segment.byterange, ends.get(place, 0))
            if span is not None:
                ends[place] = span.last + 1
            files.setdefault(place, []).append(Piece(number, span, start, seconds))
        start += seconds
    named = tuple((place, tuple(pieces)) for place, pieces in files.items())
    return Segments(named, tuple(keys), start, not parsed.is_endlist, first)


def all_told(playlists: list[Segments]) -> Segments:
    """What several states of one live playlist, oldest first, named together; times count from the first segment."""
    pieces: dict[tuple[Place, int | None], Piece] = {}
    for playlist in playlists:
        for place, of_file in playlist.files:
            for piece in of_file:
                pieces[place, piece.number] = piece
    keys = dict.fromkeys(key for playlist in playlists for key in playlist.keys)
    files: dict[Place, list[Piece]] = {}
    start = 0.0
    for (place, _), piece in sorted(pieces.items(), key=lambda item: item[1].number or -1):
        files.setdefault(place, []).append(Piece(piece.number, piece.span, start, piece.seconds))
        start += piece.seconds
    named = tuple((place, tuple(of_file)) for place, of_file in files.items())
    first = min((playlist.first for playlist in playlists), default=0)
    return Segments(named, tuple(keys), start, any(playlist.is_live for playlist in playlists[-1:]), first)


def pieces(playlist: Segments) -> Iterator[Piece]:
    for _, of_file in playlist.files:
        yield from of_file


def _parsed(text: bytes) -> m3u8.M3U8:
    if not text.lstrip(b"\xef\xbb\xbf").startswith(b"#EXTM3U"):
        raise PlaylistError("it does not begin with #EXTM3U")
    try:
        return m3u8.loads(text.decode("utf-8", "replace"))
    # What the library raises on text that is no playlist.
    except (m3u8.ParseError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise PlaylistError(f"it cannot be read: {error}") from error


def _span(text: str | None, follows: int) -> Span | None:
    """`LENGTH[@OFFSET]`."""
    if not text:
        return None
    length, _, offset = text.partition("@")
    try:
        first = int(offset) if offset else follows
        span = Span(first, first + int(length) - 1)
    except ValueError as error:
        raise PlaylistError(f"{text!r} is no byte range") from error
    if span.first < 0 or span.last < span.first:
        raise PlaylistError(f"{text!r} is no byte range")
    return span
