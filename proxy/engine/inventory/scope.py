"""How much of a video is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from peertape.proxy.engine.inventory.renditions import ALL, Choice


@dataclass(frozen=True, slots=True)
class Scope:
    """`latest`: so many videos of a channel or account, the newest; None: all."""

    renditions: Choice = ALL
    comments: bool = True
    torrents: bool = False
    downloads: bool = False
    latest: int | None = None
