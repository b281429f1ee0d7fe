"""Answers that stand ready to be sent: what is settled is not asked of the engine a second time.

Known by all of the request that the engine was told: another header is another request. What giving one again does to
its session (limits, sequences, the journal) is done each time, by `Session.give`, which also says when that is no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.commons import Commons
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.model import Answer, Delivery
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.engine.settled import Momentary, Tell
from peertape.proxy.engine.state.interface import Prepared, StateLostError

SMALL = 1024 * 1024  # octets of an answer that is sent at once
OVERHEAD = 2048  # octets that an answer takes beside what is measured
SHARE = 8  # no answer takes more of the room than one part of so many, nor does what answers have in common
METHODS = ("GET", "HEAD")

Key = tuple[object, ...]  # the method first
Changes = Callable[[], object]  # differs from what it told before whenever a cassette was written to


class Form[B](Protocol):
    """How a lane sends answers."""

    def headers(self, answer: Answer) -> Headers:
        """As they go over the wire, their values untouched."""
        ...

    def body(self, method: str, answer: Answer) -> B:
        """What there is to send beside status and headers."""
        ...


@dataclass(slots=True)
class _Known[B]:
    session: Session
    prepared: Prepared
    entry: Entry
    ends: float
    status: int
    fields: list[tuple[bytes, bytes]]
    momentary: tuple[tuple[int, bytes, Tell], ...]  # place among the fields, name, value
    body: B
    delay: float
    size: int
    was_asked: bool = False


class Given[B](NamedTuple):
    """An answer, to be sent after `delay` seconds."""

    delay: float
    status: int
    fields: Sequence[tuple[bytes, bytes]]
    body: B


class PreparedAnswers[B]:
    """`room`: octets in all. `tell` is told what is given."""

    def __init__(
        self, form: Form[B], sessions: Sessions, changes: Changes, tell: Callable[[Entry], None], room: int
    ) -> None:
        self._form = form
        self._sessions = sessions
        self._changes = changes
        self._tell = tell
        self._room = room
        self._known: dict[Key, _Known[B]] = {}
        self._of_session: dict[str, dict[Key, None]] = {}
        self._commons = Commons(room // SHARE)
        self._as_of: object = None  # nobody has looked yet
        self._sizes = 0
        sessions.forgotten.append(self._forget)

    @property
    def taken(self) -> int:
        """Octets of the room."""
        return self._sizes + self._commons.taken

    def again(self, key: Key) -> Given[B] | None:
        """The answer, which counts as given; None if it has to be asked for."""
        known = self._known.get(key)
        if known is None or not self._is_current():
            return None
        session = self._sessions.get(known.session.name)
        now = session.clock.now()
        if session is not known.session or now > known.ends:
            return None
        entry = known.entry.at_moment(now)
        try:
            windows = session.give(known.prepared, entry)
        except StateLostError:
            return None  # the engine knows what to say then
        if windows is None:
            return None
        self._tell(entry)
        known.was_asked = True
        fields = known.fields.copy()
        window = windows[-1] if windows else None
        for place, name, tell in known.momentary:
            fields[place] = (name, tell(now, window).encode("latin-1"))
        return Given(known.delay, known.status, fields, known.body)

    def look(self) -> None:
        """Before the engine is asked for what may be kept: as of now."""
        self._is_current()

    def keep(self, key: Key, answer: Answer) -> None:
        """Keeps an answer that the engine gave since `look`, if it is settled and there is room."""
        settled = answer.settled
        is_plain = answer.delivery is Delivery.WHOLE and answer.pending is None and answer.socket is None
        if settled is None or settled.entry is None or not is_plain or answer.body.size > SMALL:
            return
        if self._changes() != self._as_of:
            return
        told = self._form.headers(answer)
        share = self._commons.share
        fields = [share(field) for field in told.to_bytes()]
        body = self._form.body(str(key[0]), answer)
        momentary = share(
            tuple(
                (place, fields[place][0], value.tell)
                for place, (_, value) in enumerate(told)
                if isinstance(value, Momentary)
            )
        )
        entry = settled.entry._replace(method=share(settled.entry.method), identity=share(settled.entry.identity))
        session = self._sessions.get(entry.session)
        prepared = Prepared(session.revision, settled.turns, share(settled.charges), settled.played)
        own = (key, tuple(fields), tuple(entry), prepared.charges, prepared.played)
        size = OVERHEAD + answer.body.size + self._commons.beside(own)
        if size > self._room // SHARE:
            return
        self._drop(key)
        self._known[key] = _Known(
            session, prepared, entry, settled.ends, answer.status, fields, momentary, body, answer.delay, size
        )
        self._of_session.setdefault(session.name, {})[key] = None
        self._sizes += size
        self._make_room()

    def _is_current(self) -> bool:
        changes = self._changes()
        if changes == self._as_of:
            return True
        self._as_of = changes
        self.forget()
        return False

    def forget(self) -> None:
        """All of them."""
        self._known.clear()
        self._of_session.clear()
        self._commons.clear()
        self._sizes = 0

    def _drop(self, key: Key) -> None:
        known = self._known.pop(key, None)
        if known is None:
            return
        self._sizes -= known.size
        others = self._of_session[known.session.name]
        del others[key]
        if not others:
            del self._of_session[known.session.name]

    def _forget(self, session: str) -> None:
        """The session is no more, and what was prepared in it shall not hold it."""
        for key in tuple(self._of_session.get(session, ())):
            self._drop(key)

    def _make_room(self) -> None:
        """The oldest goes first, but what was asked for since has a second chance."""
        while self.taken > self._room:
            key, known = next(iter(self._known.items()))
            if known.was_asked:
                known.was_asked = False
                self._known[key] = self._known.pop(key)
            else:
                self._drop(key)
