"""Header fields as they stand on the wire: ordered pairs that keep their case and their duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Headers:
    """An immutable list of (name, value) pairs; names compare without regard to case.

    Octets are carried as latin-1 text, which is reversible (RFC 9110 section 5.5).
    """

    pairs: tuple[tuple[str, str], ...] = ()
    _first: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)  # made when asked for

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        return cls(tuple(pairs))

    @classmethod
    def from_bytes(cls, fields: Iterable[tuple[bytes, bytes]]) -> Headers:
        return cls(tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields))

    def to_bytes(self) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> str | None:
        """The first value under that name."""
        if not self._first:
            self._first.update({known.lower(): value for known, value in reversed(self.pairs)})
        return self._first.get(name.lower())

    def get_all(self, name: str) -> tuple[str, ...]:
        wanted = name.lower()
        return tuple(value for known, value in self.pairs if known.lower() == wanted)

    def without(self, *names: str) -> Headers:
        dropped = {name.lower() for name in names}
        return Headers(tuple(pair for pair in self.pairs if pair[0].lower() not in dropped))

    def only(self, keep: Callable[[str], bool]) -> Headers:
        """The pairs whose lower-case name `keep` accepts."""
        return Headers(tuple(pair for pair in self.pairs if keep(pair[0].lower())))

    def replaced(self, name: str, value: str) -> Headers:
        """With `value` where the first header of that name stood, further ones dropped; appended if there was none."""
        wanted, out, done = name.lower(), [], False
        for known, old in self.pairs:
            if known.lower() != wanted:
                out.append((known, old))
            elif not done:
                out.append((known, value))
                done = True
        return Headers((*out, (name, value)) if not done else tuple(out))

    def added(self, name: str, value: str) -> Headers:
        return Headers((*self.pairs, (name, value)))

    def lower(self) -> Headers:
        """With lower-case names, as HTTP/2 and ASGI want them."""
        return Headers(tuple((name.lower(), value) for name, value in self.pairs))

    def mapped(self, change: Callable[[str, str], str]) -> Headers:
        """With every value replaced by `change(lower-case name, value)`."""
        return Headers(tuple((name, change(name.lower(), value)) for name, value in self.pairs))


NONE = Headers()


def media_type(headers: Headers) -> str:
    """The media type of Content-Type, in lower case and without parameters; empty if there is none."""
    return _media_type(headers.get("content-type") or "")


@lru_cache(maxsize=512)
def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
