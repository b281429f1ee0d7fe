"""The facts about PeerTube that matching needs, read from `config/peertube/VERSION/`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from peertape.config.patterns import Pattern, pattern
from peertape.config.yamltext import plain

DEFAULT_VERSION = "6.3"


class MadeUp(BaseModel):
    """What does not tell requests of this route apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: str
    query: str | None = None
    json_: str | None = Field(default=None, alias="json")


class Facts(BaseModel):
    """`matching.yaml` and `routes.yaml`; the comments there explain each member."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query_defaults: dict[str, str]
    single_query: frozenset[str]
    largest_count: int
    path_words: frozenset[str]
    telling_fields: dict[str, frozenset[str]]
    made_up: tuple[MadeUp, ...]
    named_resources: dict[str, tuple[str, ...]]
    negotiated: tuple[str, ...]
    feed_types: dict[str, frozenset[str]]
    same_for_all: tuple[str, ...]
    live_files: tuple[str, ...]
    telling_headers: frozenset[str]
    untelling_headers: frozenset[str]
    naming_members: frozenset[str]
    naming_paths: tuple[str, ...]
    naming_attributes: dict[str, str]
    redirecting_to_files: tuple[str, ...]
    routes: dict[str, tuple[str, ...]]

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word that stands in a path as itself, not as a parameter; in lower case."""
        words = {word.lower() for path in self.routes for word in path.split("/") if word and "{" not in word}
        return self.path_words | words


@cache
def load(version: str = DEFAULT_VERSION) -> Facts:
    folder = files("peertape.config.peertube") / version
    matching = plain((folder / "matching.yaml").read_text("utf-8"))
    routes = plain((folder / "routes.yaml").read_text("utf-8"))
    return Facts(**matching, routes=routes)


@cache
def vocabulary(version: str = DEFAULT_VERSION) -> frozenset[str]:
    return load(version).vocabulary


@cache
def telling_fields(version: str = DEFAULT_VERSION) -> tuple[tuple[Pattern, frozenset[str]], ...]:
    return tuple((pattern(text), names) for text, names in load(version).telling_fields.items())


@cache
def made_up(version: str = DEFAULT_VERSION) -> tuple[tuple[Pattern, MadeUp], ...]:
    return tuple((pattern(fact.route), fact) for fact in load(version).made_up)


@cache
def negotiated(version: str = DEFAULT_VERSION) -> tuple[Pattern, ...]:
    return tuple(pattern(text) for text in load(version).negotiated)


@cache
def same_for_all(version: str = DEFAULT_VERSION) -> tuple[Pattern, ...]:
    return tuple(pattern(text) for text in load(version).same_for_all)


@cache
def live_files(version: str = DEFAULT_VERSION) -> tuple[Pattern, ...]:
    return tuple(pattern(text) for text in load(version).live_files)


@cache
def redirecting_to_files(version: str = DEFAULT_VERSION) -> tuple[Pattern, ...]:
    return tuple(pattern(text) for text in load(version).redirecting_to_files)
