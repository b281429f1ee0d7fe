"""A worker's copy of what a shared session remembers, and the parts in which the copies are kept alike."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Mapping
from typing import Any

from peertape.proxy.engine.clock import RUNNING, Clock
from peertape.proxy.engine.state.interface import Growing
from peertape.proxy.engine.state.snapshots import Snapshots
from peertape.proxy.engine.state.store import Known

CLOCK = "clock"


class Copy:
    """The clock and each kind of things in memory are a part; of a kind that only grows, each of its things is one."""

    def __init__(self, clock: Clock, memory: dict[type, Any], snapshots: Snapshots) -> None:
        self._clock = clock
        self._memory = memory
        self._snapshots = snapshots
        self._parts: dict[str, bytes] = {}  # as all know them
        self._numbers: dict[type, int] = {}  # of a kind that grows: how many of its things all know
        self._epoch = 0

    def news(self, changed: Collection[type]) -> dict[str, bytes | None]:
        """The parts that are others than those that all know; only what was `changed` is looked at, and the clock."""
        parts: dict[str, bytes | None] = {}
        for kind in changed:
            value = self._memory.get(kind)
            if isinstance(value, Growing):
                known = self._numbers.get(kind, 0)
                for number, thing in enumerate(value.done[known:], known):
                    parts[_numbered(kind, number)] = self._snapshots.write((kind, thing))
            elif value is not None:
                parts[_name(kind)] = self._snapshots.write((kind, value))
        state = self._clock.state()
        parts[CLOCK] = None if state == RUNNING else pickle.dumps(state)
        return {name: data for name, data in parts.items() if data != self._parts.get(name)}

    def told(self, parts: Mapping[str, bytes | None], changed: Collection[type]) -> None:
        """All know these now."""
        for name, data in parts.items():
            self._note(name, data)
        for kind in changed:
            if isinstance(value := self._memory.get(kind), Growing):
                self._numbers[kind] = len(value.done)

    def renew(self, known: Known) -> None:
        if known.epoch != self._epoch:
            self._epoch = known.epoch
            self._memory.clear()
            self._parts.clear()
            self._numbers.clear()
        parts: Mapping[str, bytes | None] = known.parts
        if known.is_whole:
            parts = {**dict.fromkeys((CLOCK, *self._parts)), **parts}
        for name in sorted(parts):  # the things of a kind that grows come in their order
            if parts[name] != self._parts.get(name) or name == CLOCK:
                self._take_in(name, parts[name])

    def mistrust(self, changed: Collection[type]) -> None:
        """Others may not know what was changed here: it is as if nothing had been known."""
        for kind in (*changed, *self._numbers):
            self._memory.pop(kind, None)
        self._parts.clear()
        self._numbers.clear()

    def _take_in(self, name: str, data: bytes | None) -> None:
        if name == CLOCK:
            self._clock.restore(RUNNING if data is None else self._snapshots.read(data))
        elif data is None:
            kind, _ = self._snapshots.read(self._parts[name])
            self._memory.pop(kind, None)
        else:
            kind, value = self._snapshots.read(data)
            if issubclass(kind, Growing):
                self._memory.setdefault(kind, kind()).done.append(value)
                self._numbers[kind] = self._numbers.get(kind, 0) + 1
            else:
                self._memory[kind] = value
        self._note(name, data)

    def _note(self, name: str, data: bytes | None) -> None:
        if data is None:
            self._parts.pop(name, None)
        else:
            self._parts[name] = data


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _numbered(kind: type[Any], number: int) -> str:
    return f"{_name(kind)} {number:09}"
