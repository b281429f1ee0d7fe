"""Which set of rules fits an instance. One folder of `config/peertube/` for each version that has been looked into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?")


class UnknownVersionError(ValueError):
    """A text that is no version of PeerTube."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`version`: of the rules, `6.3`; `instance`: what was asked for, `6.3.0`, or None where nothing tells."""

    version: str
    instance: str | None

    @property
    def fits(self) -> bool:
        """Whether these are the instance's own rules. What no recording tells is taken to be so."""
        if self.instance is None:
            return True
        return bool(_VERSION.match(self.instance)) and _numbers(self.instance) == _numbers(self.version)


def choose(instance: str | None) -> RuleSet:
    """The rules of that version of PeerTube, else the nearest ones."""
    if instance is None:
        return RuleSet(versions()[-1], None)
    wanted = _numbers(instance)
    nearest = min(versions(), key=lambda known: (_distance(_numbers(known), wanted), known))
    return RuleSet(nearest, instance)


def of_recording(told: str | None) -> RuleSet:
    """The rules for what an instance said of itself, whatever that is: a nightly build has a name of its own."""
    try:
        return choose(told)
    except UnknownVersionError:
        return RuleSet(versions()[-1], told)


@cache
def versions() -> tuple[str, ...]:
    """Those that have rules, the oldest first."""
    folders = (folder.name for folder in files("peertape.config.peertube").iterdir())
    return tuple(sorted((name for name in folders if re.fullmatch(r"\d+\.\d+", name)), key=_numbers))


def _numbers(version: str) -> tuple[int, int]:
    found = _VERSION.match(version)
    if not found:
        raise UnknownVersionError(f"{version!r} is no version of PeerTube; write for example 6.3")
    return int(found[1]), int(found[2] or 0)


def _distance(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return abs(one[0] - other[0]), abs(one[1] - other[1])
