"""What the rules say to a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from peertape.proxy.engine.model import Answer


class Outcome(Enum):
    REFUSED = auto()  # with PeerTube's answer
    ACCEPTED = auto()  # PeerTube would do it; with an answer only where the rules know that too
    UNDECIDED = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    answer: Answer | None = None
    why: str = ""
