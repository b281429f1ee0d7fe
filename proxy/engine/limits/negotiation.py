"""Which of the offered media types an Accept header likes best (RFC 9110 section 12.5.1, as Express reads it)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class _Range:
    main: str
    sub: str
    parameters: frozenset[tuple[str, str]]
    quality: float
    position: int

    def specificity(self, offer: _Range) -> int | None:
        """How closely it names the offer; None if it does not."""
        if self.main not in ("*", offer.main) or self.sub not in ("*", offer.sub):
            return None
        if not self.parameters <= offer.parameters:
            return None
        return 4 * (self.main != "*") + 2 * (self.sub != "*") + bool(self.parameters)


def preferred(accept: str | None, offers: Sequence[str]) -> str | None:
    """The offer that is liked best, the first one without an Accept header; None if none is acceptable."""
    if accept is None:
        return offers[0]
    ranges = _ranges(accept)
    ranked: list[tuple[float, int, int, int, str]] = []
    for number, text in enumerate(offers):
        offer = _offer(text)
        if offer is None:
            continue
        fitting = [(known, spot, spot.quality) for spot in ranges if (known := spot.specificity(offer)) is not None]
        if not fitting:
            continue
        known, spot, quality = max(fitting, key=lambda fit: (fit[0], fit[2], -fit[1].position))
        if quality > 0:
            ranked.append((-quality, -known, spot.position, number, text))
    return min(ranked)[-1] if ranked else None


@lru_cache(maxsize=256)
def _ranges(accept: str) -> tuple[_Range, ...]:
    return tuple(found for i, text in enumerate(_split(accept, ",")) if (found := _range(text, i)))


@lru_cache(maxsize=256)
def _offer(text: str) -> _Range | None:
    return _range(text, 0)


def _range(text: str, position: int) -> _Range | None:
    kind, *rest = (part.strip() for part in _split(text, ";"))
    main, slash, sub = kind.lower().partition("/")
    if not slash or not main or not sub:
        return None
    quality, parameters = 1.0, set()
    for part in rest:
        name, _, value = part.partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
            break
        parameters.add((name.strip().lower(), value))
    return _Range(main, sub, frozenset(parameters), quality, position)


def _split(text: str, by: str) -> list[str]:
    """At what stands outside of quotes: an even number of them follows. One pass: a header may be crafted."""
    parts, piece = [], ""
    quoted = text.count('"') % 2 == 1
    for index, run in enumerate(text.split('"')):
        piece += '"' if index else ""
        if quoted:
            piece += run
        else:
            first, *more = run.split(by)
            piece += first
            if more:
                parts += [piece, *more[:-1]]
                piece = more[-1]
        quoted = not quoted
    return [*parts, piece]
