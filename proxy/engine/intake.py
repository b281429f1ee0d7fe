"""The body of a request, as it comes to a lane: held while it is small, else only looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.bodyfilter import BodyFilter
from peertape.proxy.engine.model import Passed

LARGEST_HELD = 8 * 1024 * 1024  # octets; of a longer body only what tells it from others is kept

DigestOf = Callable[[Headers], BodyFilter]


class Intake:
    """`digest_of` gives the filter that tells the canonical digest of a body with such headers."""

    def __init__(self, headers: Headers, digest_of: DigestOf, largest: int = LARGEST_HELD) -> None:
        self._headers = headers
        self._digest_of = digest_of
        self._largest = largest
        self._held = bytearray()
        self._size = 0
        self._canonical: BodyFilter | None = None  # once the body is too big
        self._octets = hashlib.sha256()
        self.is_whole = False

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._canonical is not None:
            self._look(data)
            return
        self._held += data
        if self._size > self._largest:
            self._canonical = self._digest_of(self._headers)
            self._look(bytes(self._held))
            self._held.clear()

    def finish(self) -> None:
        """There is no more of it; may be said again."""
        if self.is_whole:
            return
        if self._canonical is not None:
            self._canonical.finish()
        self.is_whole = True

    @property
    def body(self) -> bytes:
        """All of it, if it is small, and came to its end."""
        return bytes(self._held) if self.is_whole else b""

    @property
    def digest(self) -> bytes | None:
        """Of the canonical body, where that is not held."""
        return self._canonical.digest if self._canonical is not None and self.is_whole else None

    @property
    def passed(self) -> Passed | None:
        """What is known of a body that is not held."""
        if self._canonical is not None:
            return Passed(self._size, self._octets.digest(), is_cut=not self.is_whole)
        return None if self.is_whole else Passed(self._size, hashlib.sha256(self._held).digest(), is_cut=True)

    def _look(self, data: bytes) -> None:
        assert self._canonical is not None
        self._canonical.feed(data)
        self._octets.update(data)
