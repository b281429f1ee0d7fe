"""What faults look like in PeerTube, read from `config/peertube/VERSION/faults.yaml`."""

from __future__ import annotations

from functools import cache, cached_property
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from peertape.config.facts import DEFAULT_VERSION
from peertape.config.patterns import Pattern, pattern
from peertape.config.yamltext import plain


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpiredToken(_Fact):
    status: int
    code: str
    detail: str
    looked_at: tuple[str, ...]
    overlooked: tuple[str, ...]
    renewed: str

    def is_looked_at(self, method: str, path: str) -> bool:
        """Whether PeerTube cares for the token of such a request. `path`: without query, with single slashes."""
        cared = any(known.matches(method, path) for known in self._looked_at)
        return cared and not any(known.matches(method, path) for known in self._overlooked)

    def is_renewal(self, method: str, path: str) -> bool:
        return self._renewed.matches(method, path)

    @cached_property
    def _looked_at(self) -> tuple[Pattern, ...]:
        return tuple(map(pattern, self.looked_at))

    @cached_property
    def _overlooked(self) -> tuple[Pattern, ...]:
        return tuple(map(pattern, self.overlooked))

    @cached_property
    def _renewed(self) -> Pattern:
        return pattern(self.renewed)


class Front(_Fact):
    statuses: frozenset[int]
    type: str


class FaultFacts(_Fact):
    """The comments in `faults.yaml` explain each member."""

    expired_token: ExpiredToken
    front: Front


@cache
def load(version: str = DEFAULT_VERSION) -> FaultFacts:
    folder = files("peertape.config.peertube") / version
    return FaultFacts.model_validate(plain((folder / "faults.yaml").read_text("utf-8")))
