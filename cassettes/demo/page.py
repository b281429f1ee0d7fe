"""The page of the documentation about the demo, made from the manifest of the recorded instance."""

from __future__ import annotations

from typing import Any


def page(manifest: dict[str, Any]) -> str:
    return "# The demo\n"
