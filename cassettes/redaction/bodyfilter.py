"""What all filters of bodies have in common, and those that are simple: passing, and deciding late."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable

from peertape.cassettes.redaction.canonical import EMPTY_DIGEST

SNIFFED = 512


class BodyFilter(ABC):
    """One body on its way to the disk. All attributes are final once `finish` was called.

    changed    a secret was replaced
    oversize   it could not be redacted within the limit: nothing more of it may be stored
    text       a text body, whole, decoded and redacted
    plain      the same before redaction: never to be stored
    original   the octets as transferred, where the body was held whole: never to be stored
    stored     those that may be stored instead
    digest     SHA-256 of the canonical form of a request's redacted body; responses have none
    """

    changed = False
    oversize = False
    text: bytes | None = None
    plain: bytes | None = None
    original: bytes | None = None
    stored: bytes | None = None
    digest: bytes = b""

    @abstractmethod
    def feed(self, data: bytes) -> bytes:
        """What may be stored by now."""

    @abstractmethod
    def finish(self) -> bytes:
        """The rest. To be called exactly once."""


class PassingFilter(BodyFilter):
    """Media: nothing is looked for."""

    def __init__(self, *, digested: bool = True) -> None:
        self._hash = hashlib.sha256() if digested else None

    def feed(self, data: bytes) -> bytes:
        if self._hash is not None:
            self._hash.update(data)
        return data

    def finish(self) -> bytes:
        if self._hash is not None:
            self.digest = self._hash.digest()
        return b""


class SniffingFilter(BodyFilter):
    """Of no known type: what its first octets look like decides."""

    def __init__(self, choose: Callable[[bytes], BodyFilter]) -> None:
        self._choose = choose
        self._held = bytearray()
        self._chosen: BodyFilter | None = None

    def feed(self, data: bytes) -> bytes:
        if self._chosen is not None:
            return self._chosen.feed(data)
        self._held += data
        if len(self._held) < SNIFFED:
            return b""
        return self._begin().feed(bytes(self._held))

    def finish(self) -> bytes:
        chosen, out = self._chosen, b""
        if chosen is None and not self._held:  # most requests
            self.text = self.plain = self.original = self.stored = b""
            self.digest = EMPTY_DIGEST
            return b""
        if chosen is None:
            chosen = self._begin()
            out = chosen.feed(bytes(self._held))
        out += chosen.finish()
        self.changed, self.oversize, self.digest = chosen.changed, chosen.oversize, chosen.digest
        self.text, self.plain, self.original, self.stored = chosen.text, chosen.plain, chosen.original, chosen.stored
        return out

    def _begin(self) -> BodyFilter:
        self._chosen = self._choose(bytes(self._held[:SNIFFED]))
        return self._chosen


def looks_like_text(head: bytes) -> bool:
    """No control characters but white space, and what separates packets of engine.io."""
    return not any((octet < 32 and octet not in b"\t\n\r\f\x1e") or octet == 127 for octet in head)
