"""A script on stage: one conversation of a client, played from the recorded ones that fit it.

What the client says is looked up by its meaning: in the script that is being played, behind what was played of it; then
in the others. What was recorded several times is a sequence over the whole session, and the last of it stays.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.script import Part, Reply, Script


@dataclass(slots=True)
class Played:
    """Which parts of which scripts a session has played."""

    parts: set[tuple[Hashable, int]] = field(default_factory=set)  # (script's key, index)


@dataclass(frozen=True, slots=True)
class Cue[T]:
    """A reply that is due; `asked`: what the client said, of which the recorded client said `recorded`."""

    said: T
    asked: T | None
    recorded: T | None


@dataclass(slots=True)
class _Running[T]:
    part: Part[T]
    asked: T | None
    since: float
    spoken: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """`scale`: of the recorded delays; 0 sends everything at once."""

    scale: float = 1.0
    repeat: Repeat = Repeat.SEQUENCE


class Performance[T]:
    def __init__(self, scripts: Sequence[Script[T]], session: Session, pace: Pace) -> None:
        """`scripts` in recorded order, at least one."""
        self._scripts = scripts
        self._session = session
        self._pace = pace
        self._running: list[_Running[T]] = []
        self._at = 0  # the last part that was played of the current script
        self.script = self._choose([(script, 0) for script in scripts])[0]
        self._start(self.script, 0, None)

    def hear(self, meaning: Hashable, asked: T, *, in_turn: bool = False) -> bool:
        """What the client says starts what was recorded upon it; False if nothing was.

        `in_turn`: of a language that nobody knows, the next recorded line stands for what is not found.
        """
        found = [
            (script, i) for script in self._scripts for i, p in enumerate(script.parts) if i and p.meaning == meaning
        ]
        ahead = [(script, i) for script, i in found if script is self.script and i > self._at]
        if ahead:
            script, index = ahead[0]
        elif found:
            script, index = self._choose(found)
        elif in_turn and self._at + 1 < len(self.script.parts):
            script, index = self.script, self._at + 1
        else:
            return False
        self.script, self._at = script, index
        self._start(script, index, asked)
        return True

    def forget(self, meaning: Hashable) -> None:
        """What was to be said upon that is not said any more."""
        self._running = [running for running in self._running if running.part.meaning != meaning]

    def due_next(self) -> float | None:
        """When the next reply is due, by the session's clock; None if none is to come."""
        return min((next(self._dues(running)) for running in self._running), default=None)

    def take(self) -> list[Cue[T]]:
        """The replies that are due by now, in order."""
        now = self._session.clock.now()
        due: list[tuple[float, int, int, Cue[T]]] = []
        for order, running in enumerate(self._running):
            for at in self._dues(running):
                if at > now:
                    break
                reply = running.part.replies[running.spoken]
                due.append((at, order, running.spoken, Cue(reply.said, running.asked, running.part.said)))
                running.spoken += 1
        self._running = [running for running in self._running if running.spoken < len(running.part.replies)]
        return [cue for *_, cue in sorted(due, key=lambda item: item[:3])]

    def _choose(self, found: Sequence[tuple[Script[T], int]]) -> tuple[Script[T], int]:
        if self._session.clock.timeline is not None or self._pace.repeat is Repeat.LAST:
            return found[-1]
        if self._pace.repeat is Repeat.FIRST:
            return found[0]
        played = self._session.recall(Played).parts
        return next((one for one in found if (one[0].key, one[1]) not in played), found[-1])

    def _start(self, script: Script[T], index: int, asked: T | None) -> None:
        part = script.parts[index]
        with self._session.changing(Played) as played:
            played.parts.add((script.key, index))
        if part.replies:
            self._running.append(_Running(part, asked, self._session.clock.now()))

    def _dues(self, running: _Running[T]) -> Iterator[float]:
        """When each reply that is still to come is due: none after the next one, so that they keep their order."""
        replies = running.part.replies
        if not running.part.has_writes:  # then they are in order, and the first of very many is told at once
            yield from (self._due(running, replies[index]) for index in range(running.spoken, len(replies)))
            return
        moments = [self._due(running, reply) for reply in replies[running.spoken :]]
        yield from reversed(list(accumulate(reversed(moments), min)))

    def _due(self, running: _Running[T], reply: Reply[T]) -> float:
        at = running.since + reply.delay * self._pace.scale
        if (write := reply.write) is not None:
            answered = self._session.journal.answered_at(write.cassette, write.exchange)
            if answered is not None and answered >= running.since:
                at = min(at, answered + reply.since_write * self._pace.scale)
        return at
