"""The world: what exists on the instance, as far as the recordings told by some moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from peertape.proxy.engine.twin.facts import Entity, Kind, Told, merged, told
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import exists, text_of

Derive = Callable[[Entity, Any], Any]  # the value of a derived member's expression
Key = tuple[str, str, str]  # the kind, the name of the key, its value as a text in lower case


class Missed(Protocol):
    """Is told what was asked for and is not known."""

    def known(self, kind: str, key: Any, by: str | None) -> None: ...

    def all_of(self, kind: str, wanted: Mapping[str, Any]) -> None: ...


class World:
    """Entities by their keys, and the configuration. `derive` evaluates the expressions of derived members."""

    def __init__(self, kinds: Mapping[str, Kind], configuration: Mapping[str, Any], derive: Derive) -> None:
        self.kinds = kinds
        self.config: Told = told(configuration)
        self.derive = derive
        self._by_key: dict[Key, Entity] = {}
        self._all: dict[str, dict[Entity, None]] = {}
        self.missed: Missed | None = None

    def known(self, kind: str, key: Any, by: str | None = None) -> Entity | None:
        """The entity that the key names; `by`: which of the kind's keys, else any of them in their order."""
        if isinstance(key, Entity):
            return None if key.gone else key
        if not exists(key):
            return None
        for name in (by,) if by else self.kinds[kind].keys:
            found = self.at((kind, name, _spelled(key)))
            if found is not None and not found.gone:
                return found
        if self.missed is not None:
            self.missed.known(kind, key, by)
        return None

    def has_heard_of(self, kind: str, key: Any) -> bool:
        """Whether something has, or had, that key."""
        return any(self.at((kind, name, _spelled(key))) is not None for name in self.kinds[kind].keys)

    def all_of(self, kind: str, wanted: Mapping[str, Any]) -> list[Entity]:
        """Those with these members; one of which a member is not known does not count."""
        if self.missed is not None:
            self.missed.all_of(kind, wanted)
        return [entity for entity in self.of_kind(kind) if not entity.gone and _has(entity, wanted)]

    def at(self, key: Key) -> Entity | None:
        """Whatever has, or had, that key."""
        return self._by_key.get(key)

    def of_kind(self, kind: str) -> Iterable[Entity]:
        """Those that are gone, too."""
        return self._all.get(kind, {})

    def told(self) -> Iterable[Entity]:
        """All of which this world itself was told something, but for worlds below."""
        return dict.fromkeys(self._by_key.values())

    def learn(self, kind: str, value: Any, more: Mapping[str, Any] | None = None) -> Entity | None:
        """Makes an object known; None if it has none of its kind's keys."""
        if isinstance(value, Entity):
            return self._update(value, more or {})
        if not isinstance(value, Mapping):
            return None
        spec = self.kinds[kind]
        members = self._with_keys(spec, {**value, **(more or {})})
        entity = self._of_keys(spec, members)
        if entity is None:
            if not any(exists(members.get(name)) for name in (*spec.keys, *spec.derived)):
                return None
            entity = Entity(spec)
            self._all.setdefault(kind, {})[entity] = None
        return self._update(entity, members)

    def change(self, kind: str, key: Any, more: Mapping[str, Any]) -> None:
        entity = self.known(kind, key)
        if entity is not None:
            self._update(entity, more)
        elif exists(key):
            spec = self.kinds[kind]
            name = next((k for k in spec.keys if _fits(k, key)), spec.keys[0])
            self.learn(kind, {name: key}, more)

    def forget(self, entities: Iterable[Entity]) -> None:
        for entity in entities:
            self._own(entity).gone = True

    def configure(self, value: Any) -> None:
        if isinstance(value, Mapping):
            self.config = merged(self.config, value)

    def _with_keys(self, spec: Kind, members: dict[str, Any]) -> dict[str, Any]:
        """With those keys that are derived, in their order: an object may be known by what it does not spell out."""
        probe = Entity(spec, {name: told(value) for name, value in members.items()}) if spec.derived else None
        for name, expression in spec.derived.items():
            if probe and name not in probe.members:
                self._try(probe, name, expression)
                if name in spec.keys and name in probe.members:
                    members[name] = probe.members[name]
        return members

    def _of_keys(self, spec: Kind, members: Mapping[str, Any]) -> Entity | None:
        """The entity that any of the members names; two that turn out to be one are made one."""
        found: list[Entity] = []
        for name in spec.keys:
            if exists(members.get(name)):
                entity = self.at((spec.name, name, _spelled(members[name])))
                if entity is not None and entity not in found:
                    found.append(entity)
        if len(found) > 1:
            found = [self._own(entity) for entity in found]
        for other in found[1:]:
            self._join(found[0], other)
        return found[0] if found else None

    def _join(self, entity: Entity, other: Entity) -> None:
        """Makes the two one."""
        entity.members.update(other.members)
        other.members = entity.members
        self._all[entity.kind.name].pop(other, None)
        for key in other.known_by:
            if self._by_key[key] is other:
                self._by_key[key] = entity
                entity.known_by.add(key)

    def _update(self, entity: Entity, members: Mapping[str, Any]) -> Entity:
        spec = entity.kind
        entity = self._own(entity)
        entity.gone = False
        for name, value in members.items():
            part = spec.parts.get(name)
            if part is not None and isinstance(value, Mapping):
                entity.members[name] = self.learn(part, value) or told(value)
            elif part is not None and isinstance(value, list):
                entity.members[name] = [self.learn(part, item) or told(item) for item in value]
            else:
                entity.members[name] = told(value)
        for name, expression in spec.derived.items():
            if name not in entity.members:
                self._try(entity, name, expression)
        for name in spec.keys:
            if exists(entity.members.get(name)):
                key = (spec.name, name, _spelled(entity.members[name]))
                self._by_key[key] = entity
                entity.known_by.add(key)
        return entity

    def _own(self, entity: Entity) -> Entity:
        """The entity as this world may change it."""
        return entity

    def _try(self, entity: Entity, name: str, expression: Any) -> None:
        try:
            entity.members[name] = self.derive(entity, expression)
        except Undecided:
            return


def _spelled(key: Any) -> str:
    return text_of(key).lower()


def _fits(name: str, key: Any) -> bool:
    """Whether a value looks like that key: numbers are ids, long texts UUIDs."""
    text = text_of(key)
    if name == "id":
        return text.isdecimal()
    if name == "uuid":
        return len(text) == 36 and text.count("-") == 4
    if name == "shortUUID":
        return 20 <= len(text) <= 22
    return not text.isdecimal()


def _has(entity: Entity, wanted: Mapping[str, Any]) -> bool:
    try:
        return all(entity.tell(name) == value for name, value in wanted.items())
    except Undecided:
        return False
