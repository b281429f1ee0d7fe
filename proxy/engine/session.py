"""A session: all that changes while replaying. Nothing mutable lives outside of it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, cast

from peertape.proxy.engine.bell import Bell
from peertape.proxy.engine.clock import Clock
from peertape.proxy.engine.journal import Journal
from peertape.proxy.engine.model import Request

DEFAULT = "default"
HEADER = "Peertape-Session"
MOST = 1000  # sessions that are kept: a client may name any number


@dataclass(slots=True)
class Progress:
    """How far a session has come in one cassette."""

    positions: dict[bytes, int] = field(default_factory=dict)  # exact key -> id of the exchange played last under it
    last_played: int = 0
    last_write: dict[str, int] = field(default_factory=dict)  # identity -> id of its last successful write


@dataclass(slots=True)
class Session:
    name: str
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=Journal)
    progress: dict[str, Progress] = field(default_factory=dict)  # by cassette name
    memory: dict[type, Any] = field(default_factory=dict)  # what stages keep of it, by its type
    bell: Bell = field(default_factory=Bell)  # rings for those who wait within the session

    def __post_init__(self) -> None:
        self.clock.changed = self.bell.ring

    def in_cassette(self, name: str) -> Progress:
        return self.progress.setdefault(name, Progress())

    def recall[T](self, kind: type[T]) -> T:
        """What a stage keeps of the session; made anew, without arguments, when there is none yet."""
        if kind not in self.memory:
            self.memory[kind] = kind()
        return cast(T, self.memory[kind])

    def reset(self) -> None:
        """Back to the start."""
        self.memory.clear()
        self.journal.clear()
        self.progress.clear()
        self.clock.reset()


def session_name(request: Request) -> str:
    """By the header `Peertape-Session`, or the first label of a `*.localhost` Host, else the default one."""
    if name := request.headers.get(HEADER):
        return name
    host = request.client_host.partition(":")[0].lower()
    label, dot, rest = host.partition(".")
    return label if dot and (rest == "localhost" or rest.endswith(".localhost")) else DEFAULT


class Sessions:
    """The sessions of one lane, made when first named; beyond `MOST`, the one named longest ago is forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Session] = OrderedDict()

    def get(self, name: str) -> Session:
        if name not in self._known:
            self._known[name] = Session(name)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(name)
        return self._known[name]

    def of(self, request: Request) -> Session:
        return self.get(session_name(request))

    def all(self) -> tuple[Session, ...]:
        return tuple(self._known.values())
