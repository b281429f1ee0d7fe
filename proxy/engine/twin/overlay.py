"""A session's own world: what the recordings tell, with what the session has changed laid over it.

The world below is shared by sessions and is never changed here: what a session touches, it gets a copy of.
"""

from __future__ import annotations

from collections.abc import Iterable

from peertape.proxy.engine.twin.facts import Entity, Told
from peertape.proxy.engine.twin.world import Derive, Key, World


class Overlay(World):
    def __init__(self, below: World, derive: Derive) -> None:
        super().__init__(below.kinds, {}, derive)
        self.below = below
        self.config: Told = below.config
        self._copies: dict[Entity, Entity] = {}  # by their originals
        self._mine: set[int] = set()  # by their places in memory: the copies of a world below are others

    def at(self, key: Key) -> Entity | None:
        own = super().at(key)
        if own is not None:
            return own
        entity = self.below.at(key)
        return None if entity is None else self._copies.get(entity, entity)

    def of_kind(self, kind: str) -> Iterable[Entity]:
        below = [self._copies.get(entity, entity) for entity in self.below.of_kind(kind)]
        return dict.fromkeys([*below, *super().of_kind(kind)])

    def _own(self, entity: Entity) -> Entity:
        if id(entity) in self._mine or entity in self._all.get(entity.kind.name, {}):
            return entity
        copy = self._copies.get(entity)
        if copy is None:
            copy = Entity(
                entity.kind, dict(entity.members), entity.gone, set(entity.known_by), entity.original or entity
            )
            self._copies[entity] = copy
            self._mine.add(id(copy))
            self._by_key.update(dict.fromkeys(copy.known_by, copy))
        return copy

    def _join(self, entity: Entity, other: Entity) -> None:
        self._all.setdefault(entity.kind.name, {})
        super()._join(entity, other)
        if other.original is not None:
            self._copies[other.original] = entity
