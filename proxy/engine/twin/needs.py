"""What a question needs to be told of by a large cassette, and by which names the recordings are found that tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from peertape.cassettes.mentions.names import (
    ACTOR,
    ACTOR_NUMBER,
    COMMENT,
    ELEMENT,
    EMAIL,
    TOKEN,
    USER,
    USER_NUMBER,
    UUID,
)
from peertape.cassettes.mentions.names import number_of as number_of_name
from peertape.cassettes.paths import uuid_of
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.effects import Effect
from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.functions import Disguised
from peertape.proxy.engine.twin.values import exists, text_of

# By kind and member, the words of the names by which it is found. Other kinds are few, or not known in all.
_WORDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "video": {"id": ("videos",), "uuid": (UUID,), "shortUUID": (UUID,)},
    "playlist": {"id": ("video-playlists",), "uuid": (UUID,), "shortUUID": (UUID,)},
    "account": {"id": (ACTOR_NUMBER,), "handle": (ACTOR,)},
    "channel": {"id": (ACTOR_NUMBER,), "handle": (ACTOR,)},
    "actor": {"name": (ACTOR,)},
    "user": {"id": (USER_NUMBER, "users"), "username": (USER,), "email": (EMAIL, USER)},
    "comment": {"id": (COMMENT, "comments", "comment-threads")},
    "playlist-element": {"id": (ELEMENT, "videos")},
    "token": {"text": (TOKEN,), "refresh": (TOKEN,)},
    "video-token": {"token": (TOKEN,)},
}
_WITH_UUID = ("video", "playlist")
_OF_ALL = re.compile(r"\ball_of\(\s*'[\w-]+'\s*\)")
_LOOKS_UP = re.compile(r"\bknown\(\s*'([\w-]+)'")


class Scope(Enum):
    """Of a need: what has a name; a kind in all; what teaches a kind without naming it; what lies below a path."""

    NAME = auto()
    KIND = auto()
    UNNAMED = auto()
    PATH = auto()


@dataclass(frozen=True, slots=True)
class Need:
    """`what`: the number of a name, a kind, or a folded path. `kind`: of the thing that has the name."""

    scope: Scope
    what: int | str
    kind: str = ""


type Needs = frozenset[Need]

NOTHING: Needs = frozenset()


class Lacking(Exception):
    """Somebody asks the world for what it was not told yet."""

    def __init__(self, needs: Needs) -> None:
        super().__init__(f"{len(needs)} needs")
        self.needs = needs


class Namer:
    """The names of things, as the cassettes know them: a video by its UUID and its number."""

    def __init__(self, cassettes: Sequence[Cassette]) -> None:
        self._cassettes = cassettes

    def of_key(self, kind: str, value: Any, by: str | None = None) -> Needs:
        """Of the thing with that key; none where things of the kind are not found by name."""
        members = _WORDS.get(kind, {})
        keys = [by] if by is not None else [key for key in members if key != "email"]
        texts = value.texts if isinstance(value, Disguised) else (text_of(value),)
        found = {number for key in keys for text in texts for number in self._numbers(kind, key, text)}
        return frozenset(Need(Scope.NAME, number, kind) for number in found)

    def of_members(self, kind: str, wanted: Mapping[str, Any]) -> Needs:
        """Of things with these members."""
        for member, value in wanted.items():
            if isinstance(value, Entity):
                name = value.get("name") if (kind, value.kind.name) == ("user", "account") else None
                found = NOTHING if name is None else self.of_key("user", name, "username")
            else:
                found = self.of_key(kind, value, member) if exists(value) else NOTHING
            if found:
                return found
        return NOTHING

    def of_entity(self, entity: Entity) -> Needs:
        found = [self.of_key(entity.kind.name, value, key) for key, value in _keys_of(entity)]
        return frozenset().union(*found)

    def is_among(self, entity: Entity, needs: Needs) -> bool:
        """Whether it has one of these names, by what it tells itself: most of what is told is of something else."""
        kind = entity.kind.name
        names = (number for key, value in _keys_of(entity) for number in _spelled(kind, key, text_of(value)))
        return any(Need(Scope.NAME, number, kind) in needs for number in names)

    def _numbers(self, kind: str, key: str, text: str) -> Iterator[int]:
        yield from _spelled(kind, key, text)
        if kind not in _WITH_UUID:
            return
        if key != "id":
            uuid = (uuid_of(text) or text).lower()
            numbers = {number for cassette in self._cassettes for number in cassette.numbers(kind, uuid)}
            yield from (number_of_name(word, number) for word in _WORDS[kind]["id"] for number in numbers)
        elif text.isdecimal():
            uuids = filter(None, (cassette.uuid(kind, text) for cassette in self._cassettes))
            yield from (number_of_name(UUID, uuid) for uuid in uuids)


def _keys_of(entity: Entity) -> Iterator[tuple[str, Any]]:
    """The members by which things of its kind are found, as far as it has them."""
    for key in _WORDS.get(entity.kind.name, ()):
        if exists(value := entity.members.get(key)):
            yield key, value


def _spelled(kind: str, key: str, text: str) -> Iterator[int]:
    """The names that such a member is."""
    if key == "id" and not text.isdecimal():
        return
    if kind in _WITH_UUID and key != "id":
        text = uuid_of(text) or text
    for word in _WORDS.get(kind, {}).get(key, ()):
        yield number_of_name(word, text.partition("@")[0] if word == ACTOR else text)


class Teachers:
    """Which contracts teach something of a kind."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.of_kind: dict[str, list[Contract]] = {kind: [] for kind in book.kinds}
        self.unnamed: dict[str, list[Contract]] = {kind: [] for kind in book.kinds}
        self.general: list[Contract] = []  # they tell of the instance as a whole
        for contract in book.contracts:
            for kind in self._kinds(contract.effects):
                self.of_kind[kind].append(contract)
            for kind in {effect.kind for effect in contract.effects if effect.kind and _is_unnamed(effect)}:
                self.unnamed[kind].append(contract)
            if any(effect.what == "configure" or self._is_single(effect) for effect in contract.effects):
                self.general.append(contract)

    def _is_single(self, effect: Effect) -> bool:
        return bool(effect.kind) and self._book.kinds[effect.kind].single

    def _kinds(self, effects: Sequence[Effect]) -> set[str]:
        """With those of all parts."""
        kinds = {effect.kind for effect in effects if effect.kind}
        while more := {part for kind in kinds for part in self._book.kinds[kind].parts.values()} - kinds:
            kinds |= more
        return kinds


def is_named(kind: str) -> bool:
    return kind in _WORDS


def _is_unnamed(effect: Effect) -> bool:
    """Whether only what was recorded before says of what it tells."""
    if effect.value is None:
        return False
    text = effect.value.text
    return _OF_ALL.search(text) is not None or any(not is_named(kind) for kind in _LOOKS_UP.findall(text))
