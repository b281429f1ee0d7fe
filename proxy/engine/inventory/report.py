"""From needs, and what is held of them, to what people are told of a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from peertape.proxy.engine.inventory.needs import Held, Need, Piece, Walk, What
from peertape.proxy.engine.inventory.renditions import Choice, Kind, Rendition
from peertape.proxy.engine.inventory.video import Outline

Look = Callable[[Need], Held]


@dataclass(frozen=True, slots=True)
class Gap:
    """Neighbouring pieces of a rendition that are missing. `first` and `last` are numbers of segments."""

    target: str
    first: int | None
    last: int | None
    octets: tuple[int, int] | None  # first and last one, as a Range names them
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Way:
    """A rendition: `segments` of it there should be, of which `missing` are not there."""

    rendition: Rendition
    is_wanted: bool
    segments: int
    seconds: float
    missing: int
    missing_seconds: float
    gaps: tuple[Gap, ...]
    lacks: tuple[Need, ...]  # playlists of it that are missing

    @property
    def is_complete(self) -> bool:
        return not self.gaps and not self.lacks


@dataclass(frozen=True, slots=True)
class Lack:
    """Something else that is missing; `status` is what the instance answered, if it did."""

    what: What
    target: str
    is_needed: bool
    status: int | None


@dataclass(frozen=True, slots=True)
class Report:
    uuid: str
    title: str
    duration: float
    is_live: bool
    ways: tuple[Way, ...]
    lacks: tuple[Lack, ...]
    problem: str | None = field(default=None)

    @property
    def is_playable(self) -> bool:
        return self.problem is None


def survey[T](walk: Walk[T], look: Look) -> tuple[T, list[tuple[Need, Held]]]:
    """Walks to the end; the result, and all needs with what there is of each."""
    found: list[tuple[Need, Held]] = []
    try:
        need = next(walk)
        while True:
            held = look(need)
            found.append((need, held))
            need = walk.send(held)
    except StopIteration as end:
        return end.value, found


def report(outline: Outline, found: Sequence[tuple[Need, Held]], choice: Choice) -> Report:
    ways = tuple(_ways(outline, found))
    lacks = tuple(
        Lack(need.what, need.place.target, need.is_needed and need.what is not What.PLAYLIST, held.status)
        for need, held in dict.fromkeys((need, held) for need, held in found)
        if need.what not in (What.MEDIA, What.DETAILS) and not held.satisfies(need)
    )
    return Report(
        outline.uuid,
        outline.title,
        outline.duration,
        outline.is_live,
        ways,
        lacks,
        _problem(outline, ways, lacks, choice),
    )


def _problem(outline: Outline, ways: Sequence[Way], lacks: Sequence[Lack], choice: Choice) -> str | None:
    """Why it cannot be played as it is wanted."""
    if any(lack.is_needed for lack in lacks):
        return "what players ask first is missing: " + ", ".join(sorted({one.what for one in lacks if one.is_needed}))
    if not outline.renditions:
        return "it is a live that has not begun" if outline.is_live else "it has no files"
    wanted = [way for way in ways if way.is_wanted]
    if not wanted:
        return f"it has no rendition {','.join(choice.words)}, but " + ", ".join(
            one.label for one in outline.renditions
        )
    complete = {way.rendition for way in ways if way.is_complete}
    playable = [way for way in wanted if way.is_complete and _sounds(way, outline) <= complete]
    if len(playable) == len(wanted) or (choice.one_is_enough and any(one.rendition.height != 0 for one in playable)):
        return None
    if choice.one_is_enough:
        return "no rendition is complete"
    return "not complete: " + ", ".join(way.rendition.label for way in wanted if way not in playable)


def _sounds(way: Way, outline: Outline) -> frozenset[Rendition]:
    """The sound that goes with it, if that is a rendition of its own."""
    if way.rendition.height == 0:
        return frozenset()
    return frozenset(sound for sound in outline.sounds if sound.kind is way.rendition.kind)


def _ways(outline: Outline, found: Sequence[tuple[Need, Held]]) -> Iterator[Way]:
    playlists = [(need, held) for need, held in found if need.what is What.PLAYLIST and not held.is_answered]
    for rendition in dict.fromkeys(outline.renditions):
        of_it = [
            (need, held)
            for need, held in found
            if need.what is What.MEDIA and need.media is not None and need.media.rendition == rendition.label
        ]
        pieces = [(need, held, piece) for need, held in of_it for piece in (need.media.pieces if need.media else ())]
        missing = [(need, piece) for need, held, piece in pieces if not held.has(piece)]
        lacking = tuple(need for need, _ in playlists) if rendition.kind is not Kind.WEB and not pieces else ()
        segments = [piece for _, _, piece in pieces if piece.number is not None]
        lost = [piece for _, piece in missing if piece.number is not None]
        if not pieces and rendition not in outline.chosen:
            continue
        yield Way(
            rendition,
            rendition in outline.chosen,
            len(segments),
            sum(piece.seconds for piece in segments),
            len(lost),
            sum(piece.seconds for piece in lost),
            tuple(_gaps(missing)),
            lacking,
        )


def _gaps(missing: Sequence[tuple[Need, Piece]]) -> Iterator[Gap]:
    run: list[tuple[Need, Piece]] = []
    for need, piece in missing:
        if run and not _follows(run[-1], (need, piece)):
            yield _gap(run)
            run = []
        run.append((need, piece))
    if run:
        yield _gap(run)


def _follows(one: tuple[Need, Piece], other: tuple[Need, Piece]) -> bool:
    (_, before), (_, after) = one, other
    if before.number is None or after.number is None or before.number + 1 != after.number:
        return False
    if before.span is None or after.span is None:
        return before.span is after.span
    return one[0].place == other[0].place and before.span.last + 1 == after.span.first


def _gap(run: Sequence[tuple[Need, Piece]]) -> Gap:
    (need, first), (_, last) = run[0], run[-1]
    octets = (first.span.first, last.span.last) if first.span and last.span else None
    return Gap(need.place.target, first.number, last.number, octets, first.start, last.end)
