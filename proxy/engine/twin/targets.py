"""How a request's path is spelled."""

from __future__ import annotations

import re

_SLASHES = re.compile("/{2,}")


def single_slashes(path: str) -> str:
    return _SLASHES.sub("/", path)
