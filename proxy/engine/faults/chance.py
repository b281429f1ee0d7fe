"""Chance that repeats itself: the n-th request of a method and path in a session meets the same fate in every run with
the same seed, whatever other requests and sessions come between.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

from peertape.proxy.engine.model import Request

MOST = 10_000  # kinds of requests that are told apart: a client may name any path


@dataclass(slots=True)
class Chance:
    seed: int
    session: str
    _asked: Counter[bytes] = field(default_factory=Counter)

    def of(self, purpose: str, request: Request) -> Random:
        """What chance holds for this request; each call with the same request goes on to the next."""
        key = _digest(purpose, request.method, request.path)
        if key not in self._asked and len(self._asked) >= MOST:
            key = _digest(purpose)
        self._asked[key] += 1
        return Random(f"{self.seed} {self.session!r} {key.hex()} {self._asked[key]}")


def _digest(*words: str) -> bytes:
    return blake2b(repr(words).encode("utf-8", "backslashreplace"), digest_size=16).digest()
