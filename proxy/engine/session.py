"""A session: all that changes while replaying. Nothing mutable lives outside of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from peertape.proxy.engine.clock import Clock
from peertape.proxy.engine.journal import Entry, LocalJournal
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

    def reached(self, key: bytes | None) -> int:
        return self.last_played if key is None else self.positions.get(key, 0)

    def take(self, pool: Sequence[int], key: bytes, *, in_all: bool) -> int:
        reached = self.reached(None if in_all else key)
        taken = next((exchange for exchange in pool if exchange > reached), pool[-1])
        self.note(key, taken)
        return taken

    def note(self, key: bytes, exchange: int) -> None:
        self.positions[key] = exchange
        self.last_played = exchange


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

    def give(self, prepared: Prepared, entry: Entry) -> Sequence[Window] | None:
        """Does all that giving a prepared answer again does, in one step, and tells the windows in which it counted.

        None, and nothing was done: the revision is another, it is not its turn, or a limit would be over.
        """
        if prepared.revision != self.revision:
            return None
        for turn in prepared.turns:
            if not turn.since <= self.in_cassette(turn.cassette).reached(turn.key) < turn.until:
                return None
        counters = cast(LocalCounters, self.counters)
        windows = counters.charge_all(prepared.charges, milliseconds(entry.at))
        if windows is not None:
            for cassette, key, exchange in prepared.played:
                self.in_cassette(cassette).note(key, exchange)
            self.journal.add(entry)
        return windows

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

    def get(self, name: str) -> Session:
        if name not in self._known:
            self._known[name] = Session(name) if self._state is None else self._state.session(name)
            if len(self._known) > MOST:
                oldest, _ = self._known.popitem(last=False)
                for told in self.forgotten:
                    told(oldest)
        self._known.move_to_end(name)
        return self._known[name]

    def of(self, request: Request) -> Session:
        return self.get(session_name(request))

    def changed_elsewhere(self) -> None:
        """Others have changed some of them."""
        for session in tuple(self._known.values()):
            session.changed_elsewhere()

    def names(self) -> Sequence[str]:
        """Of all that are kept."""
        return tuple(self._known) if self._state is None else self._state.names()
