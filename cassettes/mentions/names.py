"""The names under which an exchange tells of something: of a user, a channel, a video, a token.

Works on redacted texts only. A name is a word and a value; the cassette keeps a number of it.
"""

from __future__ import annotations

import hashlib
import marshal
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from peertape.cassettes.mentions.objects import Held
from peertape.cassettes.paths import UUID_TEXT, uuid_of
from peertape.config import facts

UUID = "uuid"
ACTOR, ACTOR_NUMBER = "actor", "actor number"  # accounts and channels
USER, USER_NUMBER, EMAIL, TOKEN = "user", "user number", "email", "token"
COMMENT, ELEMENT = "comment", "element"  # by their numbers
ROUTE = "route"  # all requests that go the same way
REVOKE = "/api/v1/users/revoke-token"
ANYTHING = "{}"  # in the shape of a path

READING = ("GET", "HEAD")
FEW = 1000  # exchanges of a route that are found by it, the first ones
LATEST = 1 << 40  # epoch seconds
_HELD_AS = {  # what an object is of which nothing but the number is told
    "account": ACTOR_NUMBER,
    "videoChannel": ACTOR_NUMBER,
    "user": USER_NUMBER,
    "videoPlaylistElement": ELEMENT,
    "specialPlaylists": "video-playlists",
}
_OF_BODIES = {  # members of requests
    "username": (USER, ACTOR),
    "name": (ACTOR,),
    "channelName": (ACTOR,),
    "accountName": (ACTOR,),
    "email": (EMAIL,),
    "refresh_token": (TOKEN,),
    "videoId": ("videos",),
}
_SECRETS = ("access_token", "refresh_token", "token", "feedToken")
_OF_ACTORS = ("accounts", "video-channels")
_BITS = 48  # of the number of a name: SQLite keeps it in six octets


type Name = tuple[str, str]  # a word and a value


@dataclass(slots=True)
class Naming:
    """A thing of which something is told. Two of one shape tell the same members; `content` differs where they do."""

    names: Sequence[Name]  # the first of them is enough to know it by
    shape: int
    content: int


@lru_cache(maxsize=1 << 16)
def number_of(word: str, value: str) -> int:
    """Of a name; upper and lower case are one."""
    text = f"{word} {value.lower()}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=_BITS // 8).digest())


@lru_cache(maxsize=4096)
def shape_of(folded: str) -> str:
    """A path, or the template of a route, with a sign for all that is no word of PeerTube's routes."""
    words = facts.vocabulary()
    return "/".join([part if not part or part in words else ANYTHING for part in folded.lower().split("/")])


def route_number(method: str, shape: str) -> int:
    return number_of(ROUTE, f"{method} {shape}")


def tells_of_asker(method: str, folded: str) -> bool:
    """Whether a success tells something of the user who asked, without a name."""
    return method not in READING or "/users/" in folded


def namings(
    method: str,
    folded: str,
    body: Mapping[str, Any],
    text: bytes,
    objects: Iterable[Held],
    asker: str | None = None,
    token: str | None = None,
) -> Iterator[Naming]:
    """Of a success: `body` has the request's members, `text` and `objects` are the answer's.

    `asker` and `token`: who asked, and presented which token, where that `tells_of_asker`.
    """
    route = f"{method} {shape_of(folded)}"
    if method in READING:
        if asker is not None:
            yield Naming(((USER, asker),), _shape(route, "", ()), hash(text))
    else:
        shape, content = _shape(route, "", tuple(sorted(body))), hash((folded, text))
        of_asker = [] if asker is None else [(USER, asker)]
        if token is not None and folded == REVOKE:
            of_asker.append((TOKEN, token))
        for name in dict.fromkeys((*_of_path(folded), *_of_body(body), *of_asker)):
            yield Naming((name,), shape, content)
    for holder, value in objects:
        if names := _of_object(value, holder):
            yield Naming(names, _shape(route, holder, tuple(value)), hash(marshal.dumps(value, 2)))


def _of_object(value: Mapping[str, Any], holder: str) -> list[Name]:
    names: list[Name] = []
    number = value.get("id")
    named = str(number) if isinstance(number, int) else None
    if isinstance(uuid := value.get("uuid"), str):
        names.append((UUID, uuid.lower()))
    if "host" in value and isinstance(name := value.get("name"), str):
        names.append((ACTOR, name.lower()))
        if named:
            names.append((ACTOR_NUMBER, named))
    elif isinstance(username := value.get("username"), str):
        names.append((USER, username.lower()))
        if named:
            names.append((USER_NUMBER, named))
        if isinstance(email := value.get("email"), str):
            names.append((EMAIL, email.lower()))
    elif named and "threadId" in value:
        names.append((COMMENT, named))
    elif named and "startTimestamp" in value:
        names.append((ELEMENT, named))
    elif named and holder in _HELD_AS:
        names.append((_HELD_AS[holder], named))
    for secret in _SECRETS:
        if isinstance(told := value.get(secret), str):
            names.append((TOKEN, told))
    return names


def _of_path(folded: str) -> Iterator[Name]:
    """Of what stands behind a word of PeerTube's routes."""
    words, before = facts.vocabulary(), ""
    for part in folded.split("/"):
        if part in words:
            before = part
        elif before in _OF_ACTORS:
            yield ACTOR, part.partition("@")[0]
        elif UUID_TEXT.fullmatch(part):
            yield UUID, part
        elif part:
            yield before, part
            if uuid := uuid_of(part):
                yield UUID, uuid


def _of_body(body: Mapping[str, Any]) -> Iterator[Name]:
    for member, words in _OF_BODIES.items():
        if isinstance(told := body.get(member), (str, int)):
            for word in words:
                yield word, str(told)
    for member in ("channel", "account"):
        if isinstance(held := body.get(member), dict) and isinstance(name := held.get("name"), str):
            yield ACTOR, name


@lru_cache(maxsize=4096)
def _shape(route: str, holder: str, members: tuple[str, ...]) -> int:
    return zlib.crc32("\n".join((route, holder, *members)).encode("utf-8", "surrogatepass")) & 0xFFFFFF
