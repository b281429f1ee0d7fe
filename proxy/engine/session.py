"""A session: all that changes while replaying. Nothing mutable lives outside of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from peertape.proxy.engine.clock import Clock
from peertape.proxy.engine.journal import Entry, LocalJournal, Moment
from peertape.proxy.engine.limits.counters import LocalCounters, Window, milliseconds
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.notifier import Notifier
from peertape.proxy.engine.state.interface import Counters, Journal, Prepared, Progress

DEFAULT = "default"
HEADER = "Peertape-Session"
MOST = 1000  # sessions that are kept: a client may name any number


_AT_ONCE = nullcontext()


@dataclass(slots=True)
class LocalProgress:
    """In this process."""

    positions: dict[bytes, int] = field(default_factory=dict)  # exact key -> id of the exchange played last under it
    last_played: int = 0
    steps: int = 0  # how often a position changed

    def reached(self, key: bytes | None) -> int:
        return self.last_played if key is None else self.positions.get(key, 0)

    def take(self, pool: Sequence[int], key: bytes, *, in_all: bool) -> int:
        reached = self.reached(None if in_all else key)
        taken = next((exchange for exchange in pool if exchange > reached), pool[-1])
        self.note(key, taken)
        return taken

    def note(self, key: bytes, exchange: int) -> None:
        if self.positions.get(key) != exchange:
            self.positions[key] = exchange
            self.steps += 1
        self.last_played = exchange


@dataclass(slots=True)
class _Standing:
    """Of a prepared answer, after it was given: as long as no position changes, it is its turn, and changes none.

    `progress` is None if it hangs on more than positions in one cassette; `exchange` is what is played last.
    """

    counters: LocalCounters
    journal: LocalJournal
    progress: LocalProgress | None
    exchange: int
    steps: int = -1
    moments: Sequence[Moment] = ()


@dataclass(slots=True)
class Session:
    """Kept in this process. What is shared with others is a `SharedSession`, which can do the same."""

    name: str
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=LocalJournal)
    counters: Counters = field(default_factory=LocalCounters)
    progress: dict[str, Progress] = field(default_factory=dict)  # by cassette name
    memory: dict[type, Any] = field(default_factory=dict)  # what stages keep of it, by its type
    notifier: Notifier = field(default_factory=Notifier)  # of those who wait within the session
    revision: int = 0  # moves with the clock and the memory: with all that answers hang on beside positions and limits

    def __post_init__(self) -> None:
        self.clock.changed = self._moved

    def in_cassette(self, name: str) -> Progress:
        progress = self.progress.get(name)
        if progress is None:
            progress = self.progress[name] = LocalProgress()
        return progress

    def recall[T](self, kind: type[T]) -> T:
        """What a stage keeps of the session, to be looked at; made anew, without arguments, when there is none yet."""
        if kind not in self.memory:
            self.memory[kind] = kind()
        return cast(T, self.memory[kind])

    @contextmanager
    def changing[T](self, kind: type[T]) -> Iterator[T]:
        """What a stage keeps of the session, to be changed meanwhile, by nobody else; then all who share it know it."""
        try:
            yield self.recall(kind)
        finally:
            self.revision += 1

    def turn(self, *, alone: bool = False) -> AbstractContextManager[None]:
        """The time of one request: at its beginning all is known that others changed, at its end they know all that it
        changed. `alone`: no other that wants to be alone, or changes what is remembered, has its turn meanwhile.
        """
        del alone  # requests come one after the other in one process
        return _AT_ONCE

    def look(self) -> None:
        """Makes known what others may have changed, where no request does."""

    def changed_elsewhere(self) -> None:
        """Others have changed it: who waits in it looks at once."""

    def flush(self) -> None:
        """Makes known to others what was played and told, where no turn ends."""

    def give(self, prepared: Prepared, entry: Entry, at: float) -> Sequence[Window] | None:
        """Does all that giving a prepared answer again does, in one step, and tells the windows in which it counted.

        `entry`: of the journal, of whatever moment; `at` is this one. None, and nothing was done: the revision is
        another, it is not its turn, or a limit would be over.
        """
        if prepared.revision != self.revision:
            return None
        standing: _Standing | None = prepared.gift
        if standing is None:
            standing = prepared.gift = self._standing(prepared)
        progress = standing.progress
        unmoved = progress if progress is not None and standing.steps == progress.steps else None
        if unmoved is None and not self._has_turn(prepared):
            return None
        windows = standing.counters.charge_all(prepared.charges, milliseconds(at))
        if windows is None:
            return None
        if unmoved is not None:
            unmoved.last_played = standing.exchange
            standing.journal.again(entry, at, standing.moments)
        else:
            before = progress.steps if progress is not None else -1
            for cassette, key, exchange in prepared.played:
                self.in_cassette(cassette).note(key, exchange)
            standing.journal.add(entry.at_moment(at))
            if progress is not None and progress.steps == before:
                standing.steps, standing.moments = before, standing.journal.played(entry)
        return windows

    def _standing(self, prepared: Prepared) -> _Standing:
        counters, journal = cast(LocalCounters, self.counters), cast(LocalJournal, self.journal)
        names = {turn.cassette for turn in prepared.turns} | {cassette for cassette, _, _ in prepared.played}
        hangs_on_keys = prepared.played and all(turn.key is not None for turn in prepared.turns)
        if len(names) != 1 or not hangs_on_keys:
            return _Standing(counters, journal, None, 0)
        progress = cast(LocalProgress, self.in_cassette(names.pop()))
        return _Standing(counters, journal, progress, prepared.played[-1][2])

    def _has_turn(self, prepared: Prepared) -> bool:
        return all(
            turn.since <= self.in_cassette(turn.cassette).reached(turn.key) < turn.until for turn in prepared.turns
        )

    def reset(self) -> None:
        """Back to the start."""
        self.memory.clear()
        cast(LocalJournal, self.journal).clear()
        self.counters.clear()
        self.progress.clear()
        self.clock.reset()

    def _moved(self) -> None:
        self.revision += 1
        self.notifier.notify()


def session_name(request: Request) -> str:
    """By the header `Peertape-Session`, or the first label of a `*.localhost` Host, else the default one."""
    if name := request.headers.get(HEADER):
        return name
    host = request.client_host.partition(":")[0].lower()
    label, dot, rest = host.partition(".")
    return label if dot and (rest == "localhost" or rest.endswith(".localhost")) else DEFAULT


class State(Protocol):
    """Where sessions are kept that are not kept in this process alone."""

    def session(self, name: str) -> Session: ...

    def names(self) -> Sequence[str]: ...


class Sessions:
    """The sessions of one lane, made when first named; beyond `MOST`, the one named longest ago is forgotten.

    `state` keeps them elsewhere, where they are not forgotten with that. `forgotten` are told the name of each that is.
    """

    def __init__(self, state: State | None = None) -> None:
        self.forgotten: list[Callable[[str], None]] = []
        self._state = state
        self._known: OrderedDict[str, Session] = OrderedDict()
        self.latest: Session | None = None

    def get(self, name: str) -> Session:
        if name not in self._known:
            self._known[name] = Session(name) if self._state is None else self._state.session(name)
            if len(self._known) > MOST:
                oldest, _ = self._known.popitem(last=False)
                for told in self.forgotten:
                    told(oldest)
        self._known.move_to_end(name)
        self.latest = self._known[name]
        return self.latest

    def of(self, request: Request) -> Session:
        return self.get(session_name(request))

    def changed_elsewhere(self) -> None:
        """Others have changed some of them."""
        for session in tuple(self._known.values()):
            session.changed_elsewhere()

    def names(self) -> Sequence[str]:
        """Of all that are kept."""
        return tuple(self._known) if self._state is None else self._state.names()
