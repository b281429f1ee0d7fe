"""Content-Type as PeerTube's libraries read it: what they cannot read counts as none (RFC 9110, section 8.3.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}")
_PARAMETER = re.compile(
    rf'; *({_TOKEN}) *= *("(?:[\x0b !#-\[\]-~\x80-\xff]|\\[\x0b -\xff])*"|{_TOKEN}) *'  # a token, or a quoted string
)


@dataclass(frozen=True, slots=True)
class ContentType:
    """In lower case, but for the parameters' values."""

    type: str
    parameters: Mapping[str, str]

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "").lower() or "utf-8"


def content_type(text: str | None) -> ContentType | None:
    kind, semicolon, _ = (text or "").partition(";")
    if text is None or not _TYPE.fullmatch(kind.strip()):
        return None
    parameters: dict[str, str] = {}
    at = len(kind)
    while semicolon and at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            return None
        value = found[2]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
        parameters[found[1].lower()] = value
        at = found.end()
    return ContentType(kind.strip().lower(), parameters)


def is_one_of(kind: str, wanted: tuple[str, ...]) -> bool:
    """`wanted`: types, or `application/*+json` for all with that suffix."""
    return any(_matches(kind, one) for one in wanted)


def _matches(kind: str, wanted: str) -> bool:
    start, star, end = wanted.partition("*")
    return kind.startswith(start) and kind[len(start) :].endswith(end) if star else kind == wanted
