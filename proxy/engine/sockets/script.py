"""Scripts: what was said in a recorded conversation, cut into what the client said and what the server said upon it.

A server's message belongs to the last thing that the client had said before it, about the same subject if messages tell
one; it is due as long after that as it was recorded. An answer comes at once, as HTTP answers do.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

AT_ONCE = 0.25  # seconds: what the server says within these upon a message, or upon a write, is the answer to it
CONSEQUENCE = 5.0  # seconds within which a message may be the consequence of a write
OPENING: Hashable = ("opening",)


@dataclass(frozen=True, slots=True)
class Line[T]:
    """Something that was said. `meaning` of a client's: what makes another the same; None if it starts nothing."""

    at: float  # epoch seconds
    from_client: bool
    said: T
    meaning: Hashable = None
    subject: Hashable = None
    is_answer: bool = False  # by the protocol, however long it took


@dataclass(frozen=True, slots=True)
class Write:
    """A request that changed something at the instance."""

    cassette: str
    exchange: int
    at: float  # epoch seconds


@dataclass(frozen=True, slots=True)
class Reply[T]:
    """`delay`: seconds since what it follows; `write`: what may have caused it, and the seconds since then."""

    said: T
    delay: float
    write: Write | None = None
    since_write: float = 0.0


@dataclass(frozen=True, slots=True)
class Part[T]:
    """What the client said (None: it only opened the conversation), and what the server said upon it, in order."""

    meaning: Hashable
    said: T | None
    replies: tuple[Reply[T], ...] = ()
    has_writes: bool = False  # some reply may have been caused by a write


@dataclass(frozen=True, slots=True)
class Script[T]:
    """`key` tells it from all others; its first part is the opening."""

    key: Hashable
    cassette: str
    exchange: int  # that stands for the conversation
    started: float
    parts: tuple[Part[T], ...]
    exchanges: tuple[int, ...] = ()  # all that carried it


@dataclass(slots=True)
class _Draft[T]:
    at: float
    meaning: Hashable
    said: T | None
    subject: Hashable = None
    replies: list[Reply[T]] = field(default_factory=list)


LastWrite = Callable[[float, float], Write | None]  # the last one after the first moment and up to the second


def parts_of[T](started: float, lines: Iterable[Line[T]], last_write: LastWrite) -> tuple[Part[T], ...]:
    """`lines` in the order of their time."""
    drafts: list[_Draft[T]] = [_Draft(started, OPENING, None)]
    for line in lines:
        if line.from_client:
            if line.meaning is not None:
                drafts.append(_Draft(line.at, line.meaning, line.said, line.subject))
            continue
        about = (draft for draft in reversed(drafts) if line.subject is not None and draft.subject == line.subject)
        owner = next(about, drafts[-1])
        owner.replies.append(_reply(line, owner.at, last_write))
    return tuple(
        Part(draft.meaning, draft.said, tuple(draft.replies), any(reply.write for reply in draft.replies))
        for draft in drafts
    )


def _reply[T](line: Line[T], since: float, last_write: LastWrite) -> Reply[T]:
    delay = max(0.0, line.at - since)
    if line.is_answer or delay <= AT_ONCE:
        return Reply(line.said, 0.0)
    write = last_write(max(since, line.at - CONSEQUENCE), line.at)
    if write is None:
        return Reply(line.said, delay)
    gap = line.at - write.at
    return Reply(line.said, delay, write, 0.0 if gap <= AT_ONCE else gap)
