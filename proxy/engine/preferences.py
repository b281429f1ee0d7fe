"""The request header `Prefer` (RFC 7240): which answer of the route a client wishes for.

`code=403, example=video_requires_password`, with commas or semicolons, in one header or in several, quoted or not;
Prism spells it likewise. Of a preference given twice the first counts; all others mean nothing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from peertape.cassettes.headers import Headers

HEADER = "prefer"
_NAME = r"[^\s=,;\"]+"
_WORD = r"\"(?:[^\"\\]|\\.)*\"|[^\s,;\"]*"
_PREFERENCE = re.compile(rf"({_NAME})(?:\s*=\s*({_WORD}))?")
_LONGEST = 4096  # octets that are read


@dataclass(frozen=True, slots=True)
class Preference:
    """`code`: a status, as spelled."""

    code: str | None = None
    example: str | None = None

    def __str__(self) -> str:
        named = {"code": self.code, "example": self.example}
        return ", ".join(f"{name}={value}" for name, value in named.items() if value is not None)

    @property
    def status(self) -> int | None:
        """-1 for a code that is none: nothing has it."""
        if self.code is None:
            return None
        return int(self.code) if re.fullmatch(r"[1-9][0-9]{2}", self.code, re.ASCII) else -1


def preference(headers: Headers) -> Preference | None:
    """What the client wishes for, if it names a code or an example."""
    if HEADER not in headers:
        return None
    found: dict[str, str] = {}
    for name, value in _PREFERENCE.findall(", ".join(headers.get_all(HEADER))[:_LONGEST]):
        found.setdefault(name.lower(), _plain(value))
    wished = Preference(found.get("code") or None, found.get("example") or None)
    return wished if wished != Preference() else None


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
