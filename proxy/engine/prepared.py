"""Answers that stand ready to be sent: what is settled is not asked of the engine a second time.

Known by all of the request that the engine was told: another header is another request. What giving one again does to
its session (limits, sequences, the journal) is done each time, by `Session.give`, which also says when that is no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from peertape.cassettes.errors import CassetteError
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

# Who asks, with all headers, and what, the method first: answers to many targets have the former in common.
Key = tuple[tuple[object, ...], tuple[object, ...]]
Observer = Callable[[Entry], None]
Changes = Callable[[], object]  # differs from what it told before whenever a cassette was written to


class Form[B](Protocol):
    """How a lane sends answers."""

    def headers(self, answer: Answer) -> Headers:
        """As they go over the wire, their values untouched."""
        ...

    def body(self, method: str, answer: Answer) -> B:
        """What there is to send beside status and headers."""
        ...


# Seconds until it is to be sent, status, header fields, body.
type Given[B] = tuple[float, int, Sequence[tuple[bytes, bytes]], B]


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of what is given: those that count, by entries of whatever moment, and others."""

    counting: tuple[Observer, ...]
    others: tuple[Observer, ...] = ()


@dataclass(slots=True, eq=False, kw_only=True)
class _Known[B](Prepared):
    """All that it takes to give one again, in one object: among thousands each may be far from the processor."""

    session: Session
    entry: Entry
    ends: float
    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    momentary: tuple[tuple[int, bytes, Tell], ...]  # place among the fields, name, value
    body: B
    delay: float
    size: int
    key: Key
    was_asked: bool = False


class PreparedAnswers[B]:
    """`room`: octets in all."""

    def __init__(self, form: Form[B], sessions: Sessions, changes: Changes, told: Told, room: int) -> None:
        self._form = form
        self._sessions = sessions
        self._changes = changes
        self._counting = told.counting
        self._others = told.others
        self._room = room
        self._by_asker: dict[object, dict[object, _Known[B]]] = {}
        self._in_order: dict[_Known[B], None] = {}  # of their age
        self._of_session: dict[str, dict[_Known[B], None]] = {}
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
        asker, asked = key
        of_asker = self._by_asker.get(asker)
        known = None if of_asker is None else of_asker.get(asked)
        if known is None or not self._is_current():
            return None
        session, entry = known.session, known.entry
        if session is not self._sessions.latest:
            self._sessions.get(session.name)
        now = session.clock.now()
        if now > known.ends:
            return None
        try:
            windows = session.give(known, entry, now)
        except StateLostError:
            return None  # the engine knows what to say then
        if windows is None:
            return None
        for count in self._counting:
            count(entry)
        for observer in self._others:
            observer(entry.at_moment(now))
        known.was_asked = True
        fields = [*known.fields]
        window = windows[-1] if windows else None
        for place, name, tell in known.momentary:
            fields[place] = (name, tell(now, window))
        return known.delay, known.status, fields, known.body

    def look(self) -> None:
        """Before the engine is asked for what may be kept: as of now."""
        self._is_current()

    def keep(self, key: Key, answer: Answer) -> None:
        """Keeps an answer that the engine gave since `look`, if it is settled and there is room."""
        settled = answer.settled
        is_plain = answer.delivery is Delivery.WHOLE and answer.pending is None and answer.socket is None
        if settled is None or settled.entry is None or not is_plain or answer.body.size > SMALL:
            return
        if not self._is_current():
            return
        told = self._form.headers(answer)
        share = self._commons.share
        fields = tuple([share(field) for field in told.to_bytes()])
        asker, asked = key
        key = (share(asker), asked)
        body = self._form.body(str(asked[0]), answer)
        momentary = share(
            tuple(
                (place, fields[place][0], value.tell)
                for place, (_, value) in enumerate(told)
                if isinstance(value, Momentary)
            )
        )
        entry = settled.entry._replace(method=share(settled.entry.method), identity=share(settled.entry.identity))
        session = self._sessions.get(entry.session)
        charges = share(settled.charges)
        own = (key, fields, tuple(entry), charges, settled.played)
        size = OVERHEAD + answer.body.size + self._commons.beside(own)
        if size > self._room // SHARE:
            return
        if (old := self._by_asker.get(asker, {}).get(asked)) is not None:
            self._drop(old)
        known = _Known(
            revision=session.revision,
            turns=settled.turns,
            charges=charges,
            played=settled.played,
            session=session,
            entry=entry,
            ends=settled.ends,
            status=answer.status,
            fields=fields,
            momentary=momentary,
            body=body,
            delay=answer.delay,
            size=size,
            key=key,
        )
        self._by_asker.setdefault(key[0], {})[asked] = known
        self._in_order[known] = None
        self._of_session.setdefault(session.name, {})[known] = None
        self._sizes += size
        self._make_room()

    def _is_current(self) -> bool:
        """Whether they are of the cassettes as these are now; what is not, is forgotten."""
        try:
            changes = self._changes()
        except CassetteError:  # the engine says what is the matter with it
            return False
        if changes == self._as_of:
            return True
        self._as_of = changes
        self.forget()
        return False

    def forget(self) -> None:
        """All of them."""
        self._by_asker.clear()
        self._in_order.clear()
        self._of_session.clear()
        self._commons.clear()
        self._sizes = 0

    def _drop(self, known: _Known[B]) -> None:
        asker, asked = known.key
        del self._in_order[known]
        _take_out(self._by_asker, asker, asked)
        _take_out(self._of_session, known.session.name, known)
        self._sizes -= known.size

    def _forget(self, session: str) -> None:
        """The session is no more, and what was prepared in it shall not hold it."""
        for known in tuple(self._of_session.get(session, ())):
            self._drop(known)

    def _make_room(self) -> None:
        """The oldest goes first, but what was asked for since has a second chance."""
        while self.taken > self._room:
            known = next(iter(self._in_order))
            if known.was_asked:
                known.was_asked = False
                del self._in_order[known]
                self._in_order[known] = None
            else:
                self._drop(known)


def _take_out[K, L, V](of: dict[K, dict[L, V]], one: K, other: L) -> None:
    del of[one][other]
    if not of[one]:
        del of[one]
