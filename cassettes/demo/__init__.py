"""The bundled demo cassette: a recorded PeerTube with users, videos and playlists; `docs/demo.md` tells more."""

from __future__ import annotations

from pathlib import Path

from peertape.cassettes.demo.notes import NOTES

__all__ = ["NOTES", "path"]


def path() -> Path:
    """Where it lies: beside this file, also in the wheel."""
    return Path(__file__).with_name("demo.cassette")
