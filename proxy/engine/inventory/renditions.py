"""Which of a video's renditions are wanted: `--renditions`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_HEIGHT = re.compile(r"([1-9][0-9]{1,4})p?")


class Kind(StrEnum):
    HLS = "hls"
    WEB = "web"
    LIVE = "live"  # HLS of a live that goes on, or that was looked at before it ended


_NAMES = {Kind.HLS: "HLS", Kind.WEB: "web video", Kind.LIVE: "live"}


class ChoiceError(ValueError):
    """A choice that cannot be understood; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """`height` as PeerTube counts it (the short side of an upright film); 0 is sound alone, None is unknown."""

    kind: Kind
    height: int | None
    name: str = ""  # tells renditions of one height apart: `60fps`

    @property
    def label(self) -> str:
        known = {0: "audio", None: self.name or "?"}.get(self.height, f"{self.height}p")
        return f"{_NAMES[self.kind]} {known}"


@dataclass(frozen=True, slots=True)
class Choice:
    """`any`: each is looked at, and one is enough. The words are the user's."""

    words: tuple[str, ...] = ("all",)
    heights: frozenset[int] = frozenset()
    kinds: frozenset[Kind] = frozenset(Kind)

    @property
    def one_is_enough(self) -> bool:
        return "any" in self.words

    def of(self, renditions: Sequence[Rendition]) -> frozenset[Rendition]:
        """Those that are wanted; sound alone, where there is nothing to see."""
        of_kind = [one for one in renditions if one.kind in self.kinds or one.kind is Kind.LIVE]
        if not {"best", "worst", "audio"} & {*self.words} and not self.heights:
            return frozenset(of_kind)
        wanted: set[Rendition] = set()
        for kind in Kind:
            found = [rendition for rendition in of_kind if rendition.kind is kind]
            seen = [rendition for rendition in found if rendition.height != 0] or found
            by_height = sorted(seen, key=lambda rendition: rendition.height or 0)
            wanted.update(rendition for rendition in found if rendition.height in self.heights)
            if "best" in self.words:
                wanted.update(by_height[-1:])
            if "worst" in self.words:
                wanted.update(by_height[:1])
            if "audio" in self.words:
                wanted.update(rendition for rendition in found if rendition.height == 0)
        return frozenset(wanted)


ALL = Choice()


def choice(text: str, *, several: bool = False) -> Choice:
    """`all`, `best`, `worst`, `audio`, `720p,480p`; with `hls` or `web` only that kind. `several`: `any` as well."""
    words = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    known = {"all", "best", "worst", "audio", "hls", "web", *({"any"} if several else ())}
    heights = {int(found[1]) for word in words if (found := _HEIGHT.fullmatch(word))}
    for word in words:
        if word not in known and not _HEIGHT.fullmatch(word):
            names = "any, all" if several else "all"
            raise ChoiceError(f"{word!r} is no rendition; write {names}, best, worst, audio, hls, web, or 720p,480p.")
    if not words:
        raise ChoiceError("Name renditions, for example best or 720p,480p.")
    kinds = frozenset(Kind(word) for word in words if word in ("hls", "web")) or frozenset(Kind)
    return Choice(words, frozenset(heights), kinds)
