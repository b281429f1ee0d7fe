"""`[METHOD ]/path/**` globs: how users and the facts about PeerTube name requests.

`*` stands for anything within a segment of the path, `**` for anything at all; a pattern without `/` first is matched
anywhere from a segment's beginning. The query does not take part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})


class PatternError(ValueError):
    """A pattern that cannot be read; its text is a sentence for the user."""


@dataclass(frozen=True)
class Pattern:
    """`glob`: that of the path."""

    text: str
    method: str | None
    glob: str

    @property
    def expression(self) -> str:
        """Of the path, as a regular expression that does not tell cases apart."""
        return _expression(self.glob)

    @cached_property
    def path(self) -> re.Pattern[str]:
        """Compiled when a request comes that it may be for: there are many patterns, and each request needs few."""
        return re.compile(self.expression, re.IGNORECASE)

    def matches(self, method: str, path: str) -> bool:
        """`path` is without query."""
        return (self.method is None or self.method == method.upper()) and self.path.fullmatch(path) is not None


def pattern(text: str) -> Pattern:
    """Reads one pattern, for example `POST /api/v1/videos/**`."""
    first, _, rest = text.strip().partition(" ")
    method, glob = (first.upper(), rest.strip()) if rest else (None, first)
    if method is not None and method not in METHODS:
        raise PatternError(f"{text!r} is no pattern: {first!r} is no HTTP method; write for example 'GET /api/v1/**'.")
    if not glob.startswith(("/", "*")):
        raise PatternError(f"{text!r} is no pattern: the path must begin with '/'; write for example '/api/v1/**'.")
    return Pattern(text, method, glob)


def _expression(glob: str) -> str:
    out = ""
    for piece in re.split(r"(/\*\*$|\*\*|\*)", glob):
        match piece:
            case "/**":  # the folder itself, with or without a slash, and all below it
                out += "(?:/.*)?"
            case "**":
                out += ".*"
            case "*":
                out += "[^/]*"
            case _:
                out += re.escape(piece)
    return out
