"""Live streams: what a live's files hold is a matter of the time that has gone by, not of how often they are asked for.

A live's playlists slide (RFC 8216 section 6.2.1), its segment hashes too, and before and after it there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.codings import whole_text
from peertape.cassettes.paths import fold
from peertape.cassettes.store import Cassette
from peertape.config import facts
from peertape.proxy.engine import choice
from peertape.proxy.engine.matching import Match
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Question

LARGEST_PLAYLIST = 1024 * 1024  # octets
MOST_FOLDERS = 1000  # that are remembered
LATE = 2.0  # seconds by which a client that repeats the recording may be behind it: no window is shorter


@dataclass(frozen=True, slots=True)
class Live:
    """A recorded live: the folder of its files, and all recordings of those that change."""

    cassette: Cassette
    folder: str
    recordings: tuple[Candidate, ...]

    def after(self, number: int) -> Candidate | None:
        return next((found for found in self.recordings if found.id > number), None)


@dataclass(frozen=True, slots=True)
class Viewing:
    """At the moment `since` of its clock, a session was at the moment `recorded` of a live; epoch seconds."""

    since: float
    recorded: float
    repeated: int | None = None  # id of the recording up to which all was repeated in order; None: not so

    def moment(self, now: float) -> float:
        return self.recorded + max(0.0, now - self.since)


@dataclass(slots=True)
class Viewings:
    """What a session has seen of lives, by cassette and folder. All files of a live have one time."""

    known: dict[tuple[str, str], Viewing] = field(default_factory=dict)


class RecordedLives:
    """The lives of cassettes, told from recorded videos by what was recorded of them."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Live | None] = {}  # by cassette and folder
        self._changes: dict[str, int] = {}  # of the cassettes, as of which that holds

    def of(self, cassette: Cassette, path: str) -> Live | None:
        """The live that a path belongs to."""
        path = fold(path)
        if not _may_be_of_a_live(path):
            return None
        changes = cassette.changes()
        if self._changes.get(cassette.name) != changes or len(self._found) >= MOST_FOLDERS:
            self._found = {key: live for key, live in self._found.items() if key[0] != cassette.name}
            self._changes[cassette.name] = changes
        key = (cassette.name, _folder(path))
        if key not in self._found:
            self._found[key] = _live(cassette, _folder(path))
        return self._found[key]


def repeated(live: Live, exact: Match, question: Question, session: Session) -> Candidate | None:
    """What was recorded next of this live, for a client that repeats the recording request by request, however fast.

    None if something else is asked for or was before, or if the live is further than that by now.
    """
    now, viewing = session.clock.now(), _viewing(live, session)
    reached = 0 if viewing is None else viewing.repeated
    follows = None if reached is None else live.after(reached)
    if follows is None or follows not in _after_write(exact, question, session):
        return None
    viewing = viewing or Viewing(now, follows.started_at)
    moment = viewing.moment(now)
    if follows.started_at < moment - LATE:
        return None
    _see(live, session, Viewing(now, max(moment, follows.started_at), follows.id))
    return follows


def shown(live: Live, match: Match, question: Question, session: Session, *, peek: bool = False) -> Candidate:
    """The recording that shows what the live shows at this moment of the session's clock; `peek` moves nothing.

    What comes after a write of the same user moves the live on, for all who watch it in the session.
    """
    now, viewing = session.clock.now(), _viewing(live, session)
    pool = _after_write(match, question, session)
    if viewing is None:
        # What the session has played of later times does not end a live that it has not seen yet.
        reached = session.in_cassette(live.cassette.name).reached(None)
        chosen = next((candidate for candidate in pool if candidate.id > reached), pool[0])
        moment = chosen.started_at
    else:
        moment = viewing.moment(now)
        if len(pool) < len(match.candidates):
            moment = max(moment, pool[0].started_at)
        chosen = _at(pool, moment)
    if not peek:
        _see(live, session, Viewing(now, moment))
    return chosen


def _viewing(live: Live, session: Session) -> Viewing | None:
    return session.recall(Viewings).known.get((live.cassette.name, live.folder))


def _see(live: Live, session: Session, viewing: Viewing) -> None:
    with session.changing(Viewings) as viewings:
        viewings.known[live.cassette.name, live.folder] = viewing


def _after_write(match: Match, question: Question, session: Session) -> tuple[Candidate, ...]:
    write = choice.last_write(session, match.cassette.name, question.identity)
    return choice.after_write(match.candidates, write)


def _at(pool: Sequence[Candidate], moment: float) -> Candidate:
    known = [candidate for candidate in pool if candidate.started_at <= moment]
    return max(known, key=lambda candidate: candidate.started_at, default=pool[0])


def _live(cassette: Cassette, folder: str) -> Live | None:
    """What was recorded in that folder, if it is a live's."""
    paths = [path for path in cassette.paths_below(folder) if _folder(path) == folder and _may_be_of_a_live(path)]
    recordings = tuple(found for found in cassette.by_path(paths) if found.replayable)
    return Live(cassette, folder, recordings) if any(_slides(cassette, found) for found in recordings) else None


def _slides(cassette: Cassette, candidate: Candidate) -> bool:
    """Whether it is a media playlist (RFC 8216 section 4.3.3.1) that goes on."""
    if candidate.status != 200 or not fold(candidate.path).endswith(".m3u8"):
        return False
    response = cassette.exchange(candidate.id).response
    text = whole_text(response.headers, response.body, LARGEST_PLAYLIST) if response is not None else None
    return text is not None and b"#EXT-X-TARGETDURATION" in text and b"#EXT-X-ENDLIST" not in text


def _may_be_of_a_live(path: str) -> bool:
    return any(pattern.matches("GET", path) for pattern in facts.live_files())


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
