"""What is known: objects told by recorded answers, and the entities that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from peertape.proxy.engine.twin.undecided import Undecided

_LABELLED = {"id", "label"}


class Told(dict[str, Any]):
    """A recorded object. What it does not have is not known."""

    def tell(self, name: Any) -> Any:
        if name not in self:
            raise Undecided(str(name))
        return self[name]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entity, as section `kinds` of the contracts describes it."""

    name: str
    missing: str = "Not found"  # the sentence of the 404
    keys: tuple[str, ...] = ("id",)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)  # members that are entities themselves: of which kind
    derived: Mapping[str, Any] = field(default_factory=dict)  # Expressions over `this`, for members that are not told
    single: bool = False  # an instance has one


@dataclass(slots=True, eq=False)
class Entity:
    """A thing of the instance: a video, a user. `gone`: it was removed; `known_by`: the keys that it is found by.

    `original`: the same thing in the world that the recordings tell, where a session has changed it.
    """

    kind: Kind
    members: dict[str, Any] = field(default_factory=dict)
    gone: bool = False
    known_by: set[tuple[str, str, str]] = field(default_factory=set)
    original: Entity | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entity) and (self.original or self) is (other.original or other)

    def __hash__(self) -> int:
        return id(self.original or self)

    def tell(self, name: Any) -> Any:
        if name in self.members:
            return self.members[name]
        if name in self.kind.defaults:
            return self.kind.defaults[name]
        raise Undecided(f"{self.kind.name}.{name}")

    def get(self, name: str) -> Any:
        """The member, or None where it is not known."""
        return self.members.get(name, self.kind.defaults.get(name))


def told(value: Any) -> Any:
    """A JSON value as facts: `{id, label}` is the id, objects say when they do not know.

    What was told before stays as it is, with all below it: facts are never changed in place.
    """
    if value is None or isinstance(value, (str, int, float, Told, Entity)):
        return value
    if isinstance(value, Mapping):
        return told_object({name: told(member) for name, member in value.items()})
    if isinstance(value, (list, tuple)):
        return [told(item) for item in value]
    return value


def told_object(members: dict[str, Any]) -> Any:
    """An object whose members are facts already, as a JSON parser meets it (`object_hook`)."""
    return members["id"] if len(members) == 2 and members.keys() == _LABELLED else Told(members)


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Told:
    """`old` with what `new` says, at any depth."""
    out = Told(old)
    for name, value in new.items():
        before = out.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        out[name] = merged(before, value) if both else told(value)  # type: ignore[arg-type]
    return out
