"""What a recorded success changes in the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from peertape.proxy.engine.twin.errors import ContractError
from peertape.proxy.engine.twin.expressions import Evaluator, Expression
from peertape.proxy.engine.twin.facts import Entity, Kind
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.world import World

WORDS = ("learn", "change", "forget", "configure", "use")


@dataclass(frozen=True, slots=True)
class Effect:
    """`what`: the word of the effect; `value`: the object, the key, or None for `forget` with `where`."""

    what: str
    kind: str
    value: Expression | None
    members: Mapping[str, Expression]
    when: Expression | None

    def apply(self, world: World, evaluator: Evaluator) -> None:
        """Does nothing where the recording does not tell enough."""
        try:
            if self.when is None or evaluator.value(self.when):
                self._apply(world, evaluator)
        except Undecided:
            return

    def _apply(self, world: World, evaluator: Evaluator) -> None:
        if self.what == "forget" and self.value is None:
            world.forget(world.all_of(self.kind, self._members(evaluator)))
            return
        if self.what == "configure" and self.value is None:
            world.configure(_nested(self._members(evaluator)))
            return
        assert self.value is not None
        value = evaluator.value(self.value)
        match self.what:
            case "learn":
                for item in value if isinstance(value, list) else [value]:
                    world.learn(self.kind, item, self._members(evaluator.with_names(this=item)))
            case "change":
                for key in value if isinstance(value, list) else [value]:
                    seen = evaluator.with_names(this=world.known(self.kind, key))
                    world.change(self.kind, key, self._members(seen))
            case "forget":
                keys = value if isinstance(value, list) else [value]
                world.forget([found for key in keys if (found := world.known(self.kind, key))])
            case "configure":
                world.configure(value)

    def _members(self, evaluator: Evaluator) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, expression in self.members.items():
            try:
                value = evaluator.value(expression)
            except Undecided:
                continue
            if value is not None:
                out[name] = value
        return out


def effects(items: Any, consequences: Mapping[str, Any], kinds: Mapping[str, Kind]) -> tuple[Effect, ...]:
    """Compiled from YAML; those of `use` are put in their place."""
    return tuple(_effects(items, consequences, kinds))


def _effects(items: Sequence[Any], consequences: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Iterator[Effect]:
    for item in items:
        word = next((word for word in WORDS if word in item), None) if isinstance(item, dict) else None
        if word is None:
            raise ContractError(f"{item!r} is no effect")
        if strange := item.keys() - {word, "with", "where", "when"}:
            raise ContractError(f"an effect `{word}` has no {', '.join(sorted(strange))}")
        what = item[word]
        when = Expression.of(item["when"]) if "when" in item else None
        if word == "use":
            if what not in consequences:
                raise ContractError(f"there is no consequence {what!r}")
            for effect in _effects(consequences[what], consequences, kinds):
                yield replace(effect, when=_both(when, effect.when))
            continue
        members = {name: Expression.of(value) for name, value in item.get("with", item.get("where", {})).items()}
        if word == "configure":
            settings = {name: Expression.of(value) for name, value in what.items()} if isinstance(what, dict) else {}
            yield Effect(word, "", None if settings else Expression.of(what), settings, when)
            continue
        if isinstance(what, str) and word == "forget" and "where" in item:
            kind, value = what, None
        elif isinstance(what, dict) and len(what) == 1:
            ((kind, text),) = what.items()
            value = None if text is None else Expression.of(text)
        else:
            raise ContractError(f"{item!r}: `{word}: {{KIND: EXPR}}`")
        if kind not in kinds:
            raise ContractError(f"there is no kind {kind!r}")
        yield Effect(word, kind, value, members, when)


def _both(one: Expression | None, other: Expression | None) -> Expression | None:
    if one is None or other is None:
        return one or other
    return Expression.of(f"({one.text}) and ({other.text})")


def acting(world: World, user: str | None) -> Entity | None:
    """The user behind a recorded request."""
    if user is None:
        return None
    entity = world.at(("user", "username", user.lower()))
    return entity if entity is not None and not entity.gone else world.learn("user", {"username": user})


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`{a.b: 1, a.c: 2}` as `{a: {b: 1, c: 2}}`."""
    out: dict[str, Any] = {}
    for name, value in settings.items():
        *above, last = name.split(".")
        holder = out
        for step in above:
            holder = holder.setdefault(step, {})
        holder[last] = value
    return out
