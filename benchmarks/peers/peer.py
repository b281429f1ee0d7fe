"""What a peer is: a program that answers the recorded exchanges, and how it is made to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.workload import Ask, Workload
from peertape.cassettes.headers import Headers

TOLD = 200  # octets of a wrong answer that an error shows


@dataclass(frozen=True, slots=True)
class Conditions:
    """`cache`: where peers are installed; `install`: whether those that are missing may be.

    `exchanges`: of the cassette; `largest`: of the largest one, where it grows.
    """

    cache: Path
    exchanges: int
    largest: int
    install: bool


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that begins to answer at the port it was given."""

    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # by lower-case name
    body: bytes


def end_to_end(headers: Headers) -> Headers:
    """Without the fields that each server writes itself."""
    return headers.without("connection", "keep-alive", "content-length", "transfer-encoding", "date")


class Peer(ABC):
    """`name` is what results and options call it; `title` is for people."""

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def title(self) -> str: ...

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        """Writes the exchanges in its own format to the empty `folder`. Installs what is missing, or is Unavailable."""

    @property
    def passes(self) -> int:
        """How often everything is asked until what it keeps ready is ready."""
        return 1

    def asked(self, workload: Workload) -> Sequence[Ask]:
        """The exchanges that it can hold."""
        return workload.asks

    def stored(self, _workload: Workload, folder: Path) -> int:
        """Octets of the exchanges on the disk; asked before it starts."""
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def left_wrong(self, _folder: Path, _answered: int) -> str | None:
        """What is wrong with what it left in its folder after so many answers, or None; asked when it has ended."""
        return None

    def wrong(self, ask: Ask, answer: Answer, workload: Workload, origin: str) -> str | None:
        """What is wrong with an answer, or None. The links in it may lead to the peer, which is at `origin`."""
        if answer.status != 200:
            return f"status {answer.status}: {answer.body[:TOLD]!r}"
        body = workload.as_recorded(answer.body, origin)
        if body != ask.body:
            same = next((at for at, pair in enumerate(zip(body, ask.body, strict=False)) if pair[0] != pair[1]), 0)
            at = max(0, same - TOLD // 2)
            return f"another body: …{body[at : at + TOLD]!r} instead of …{ask.body[at : at + TOLD]!r}"
        return None
