"""What a session has done beyond the recordings, and the world that comes of it.

The same effects tell it that tell what recorded successes changed. It lasts until the session is reset, wherever its
clock stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from peertape.proxy.engine.state.interface import Growing
from peertape.proxy.engine.twin import functions
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.effects import acting
from peertape.proxy.engine.twin.expressions import Evaluator, Expression, Language
from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.overlay import Overlay
from peertape.proxy.engine.twin.world import World


@dataclass(frozen=True, slots=True)
class Deed:
    """A request that changed something. `names`: what its effects see; `user`: who did it."""

    contract: Contract
    names: Mapping[str, Any]
    user: str | None


@dataclass(slots=True)
class Deeds(Growing):
    """A session's, in their order."""

    done: list[Deed] = field(default_factory=list)
    _world: Overlay | None = None
    _applied: int = 0

    def over(self, below: World, book: Book) -> World:
        """The world below with what was done; that world itself if nothing was."""
        if not self.done:
            return below
        if self._world is None or self._world.below is not below:
            self._world, self._applied = _laid_over(below, book), 0
        for deed in self.done[self._applied :]:
            _apply(deed, self._world, book)
        self._applied = len(self.done)
        return self._world


def _laid_over(below: World, book: Book) -> Overlay:
    def derive(entity: Entity, expression: Expression) -> Any:
        return Evaluator({"this": entity, "config": world.config}, language).value(expression)

    world = Overlay(below, derive)
    language = Language({**functions.of_rules(book.roles), **functions.of_world(world)})
    return world


def _apply(deed: Deed, world: World, book: Book) -> None:
    known = {**functions.of_rules(book.roles), **functions.of_world(world), **functions.of_recording()}
    names = {**deed.names, "me": acting(world, deed.user), "config": world.config, "token": None}
    evaluator = Evaluator(names, known)
    for effect in deed.contract.effects:
        effect.apply(world, evaluator)
