"""YAML as plain values."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser, where there is one, takes a tenth of the time


def plain(text: str) -> Any:
    """What `yaml.safe_load` gives, and raises."""
    return yaml.load(text, _LOADER)
