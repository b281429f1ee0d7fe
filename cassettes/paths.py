"""Odd spellings of a path, folded into one.

Observed: case, `//`, a trailing slash and upper-case UUIDs do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote
from uuid import UUID

from peertape.config import facts

LOGIN = "/api/v1/users/token"  # where tokens are given out
SHORT_UUID_ALPHABET = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"  # Flickr's base 58
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
SHORT_UUID_TEXT = re.compile(rf"[{SHORT_UUID_ALPHABET}]{{20,22}}")


@dataclass(frozen=True, slots=True)
class NamedResource:
    """Where a video or playlist is named in a path."""

    kind: str
    before: str
    name: str  # a UUID in lower case, a number, or as spelled
    after: str

    def path(self, name: str) -> str:
        return f"{self.before}{name}{self.after}"


def uuid_of(short: str) -> str | None:
    """The UUID behind a short UUID, or None if it is none."""
    if not SHORT_UUID_TEXT.fullmatch(short):
        return None
    number = 0
    for character in short:
        number = number * 58 + SHORT_UUID_ALPHABET.index(character)
    return str(UUID(int=number)) if number < 1 << 128 else None


def short_uuid(uuid: str) -> str:
    """The short UUID of a UUID; 22 characters, padded as PeerTube pads."""
    number, out = UUID(uuid).int, ""
    while number:
        number, digit = divmod(number, 58)
        out = SHORT_UUID_ALPHABET[digit] + out
    return out.rjust(22, SHORT_UUID_ALPHABET[0])


@lru_cache(maxsize=1024)
def fold(path: str) -> str:
    """One spelling for all that name the same; idempotent. A UUID stands for a short UUID where a resource is named."""
    words = facts.vocabulary()
    out = []
    segments = path.split("/")
    for segment in map(unquote, segments) if "%" in path else segments:
        if not segment:
            continue
        lower = segment.lower()
        out.append(lower if lower in words or UUID_TEXT.fullmatch(segment) else segment)
    folded = "/" + "/".join(out)
    resource = named_resource(folded)
    return resource.path(resource.name) if resource else folded


@lru_cache(maxsize=1024)
def named_resource(folded: str) -> NamedResource | None:
    """The video or playlist that a folded path names."""
    for kind, expression in _named() if _any_named().fullmatch(folded) else ():
        if not (found := expression.fullmatch(folded)):
            continue
        name = found["name"]
        if UUID_TEXT.fullmatch(name):
            name = name.lower()
        elif uuid := uuid_of(name):
            name = uuid
        elif not name.isdecimal():
            continue
        return NamedResource(kind, found["before"], name, found["after"])
    return None


def spellings(
    folded: str, numbers: Callable[[str, str], list[str]], uuid: Callable[[str, str], str | None]
) -> Iterator[str]:
    """The folded paths that name the same resource: by UUID and by number.

    `numbers(kind, uuid)` and `uuid(kind, number)` tell what the cassette has learned.
    """
    yield folded
    if not (resource := named_resource(folded)):
        return
    if resource.name.isdecimal():
        if known := uuid(resource.kind, resource.name):
            yield resource.path(known)
    else:
        yield from (resource.path(number) for number in numbers(resource.kind, resource.name))


@cache
def _named() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(_expression(glob, groups=True))) for kind, glob in _globs())


@cache
def _any_named() -> re.Pattern[str]:
    """All of them in one: most paths are none."""
    return re.compile("|".join(_expression(glob, groups=False) for _, glob in _globs()))


def _globs() -> Iterator[tuple[str, str]]:
    return ((kind, glob) for kind, globs in facts.load().named_resources.items() for glob in globs)


def _expression(glob: str, *, groups: bool) -> str:
    before, _, after = glob.partition("{}")
    parts = {"before": re.escape(before), "name": "[^/]+", "after": "/.*" if after == "/**" else re.escape(after)}
    return "".join(f"(?P<{name}>{part})" if groups else part for name, part in parts.items())
