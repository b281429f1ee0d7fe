"""The facts about PeerTube's sockets, read from `config/peertube/VERSION/sockets.yaml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from peertape.config.yamltext import plain


class Namespace(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["user", "runner"] | None = None
    missing: str = ""
    invalid: str = ""


class Tracker(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    interval: int
    scrape_interval: int
    kept_out: float


class SocketFacts(BaseModel):
    """The comments in the file explain each member."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    handshake: dict[str, int]
    namespaces: dict[str, Namespace]
    unknown_namespace: str
    taken_back: dict[str, str]
    tracker: Tracker
    plugins: str
    unanswered: float


@cache
def load(version: str) -> SocketFacts:
    folder = files("peertape.config.peertube") / version
    return SocketFacts(**plain((folder / "sockets.yaml").read_text("utf-8")))
