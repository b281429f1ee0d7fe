"""What is recorded: `--only` and `--skip`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peertape.config.patterns import Pattern, pattern
from peertape.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Scope:
    only: Sequence[Pattern] = ()
    skip: Sequence[Pattern] = ()

    @classmethod
    def of(cls, settings: Settings) -> Scope:
        return cls(tuple(map(pattern, settings.only)), tuple(map(pattern, settings.skip)))

    def covers(self, method: str, target: str) -> bool:
        if not (self.only or self.skip):
            return True
        path = target.partition("?")[0]
        if any(skipped.matches(method, path) for skipped in self.skip):
            return False
        return not self.only or any(wanted.matches(method, path) for wanted in self.only)
