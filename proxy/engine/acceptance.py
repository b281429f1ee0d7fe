"""Which content codings a client takes: the request header Accept-Encoding (RFC 9110 section 12.5.3).

The RFC lets a server send any coding to a client that does not name any; web servers send none, and so does a replay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from peertape.cassettes.codings import registered
from peertape.cassettes.headers import Headers

REFUSED = 0.0
# What is not coded is taken by whoever does not refuse it, but less gladly than anything named: the least weight that
# can be said is 0.001.
_TAKEN = 0.0005
_ANY = "*"
_IDENTITY = "identity"
_WEIGHT = re.compile(r"[0-9]{1,3}(?:\.[0-9]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """By coding in lower case, the weight from 0 (refused) to 1; `*` stands for all that are not named."""

    weights: frozenset[tuple[str, float]] = frozenset()

    @classmethod
    def of(cls, headers: Headers) -> Self:
        return cls(_parsed(headers.get_all("accept-encoding")))

    def quality(self, codings: Sequence[str]) -> float:
        """How gladly a body with these codings is taken, none of them being identity; REFUSED if it is not."""
        weights = dict(self.weights)
        if not codings:
            return weights.get(_IDENTITY, REFUSED if weights.get(_ANY) == REFUSED else weights.get(_ANY, _TAKEN))
        return min(weights.get(registered(coding), weights.get(_ANY, REFUSED)) for coding in codings)

    def best(self, codings: Iterable[str]) -> str | None:
        """The most wanted one, of equals the first; None if all are refused."""
        ranked = sorted(codings, key=lambda coding: -self.quality((coding,)))
        return ranked[0] if ranked and self.quality(ranked[:1]) > REFUSED else None


@lru_cache(maxsize=256)
def _parsed(values: tuple[str, ...]) -> frozenset[tuple[str, float]]:
    weights: dict[str, float] = {}
    for member in ",".join(values).split(","):
        name, *parameters = (part.strip(" \t") for part in member.split(";"))
        if name:
            weights.setdefault(registered(name.lower()), _weight(parameters))
    return frozenset(weights.items())


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip(" \t").lower() == "q":
            # One that is no number refuses, as it does for nginx.
            found = _WEIGHT.fullmatch(value.strip(" \t"))
            return min(1.0, float(found[0])) if found else REFUSED
    return 1.0
