"""The ETag that Express gives to a body that it sends (npm `etag`; every answer of samples.txt has one)."""

from __future__ import annotations

import base64
import hashlib


def express_etag(data: bytes, weak: bool = True) -> str:
    """The length in hex, a hyphen, and the first 27 characters of the base64 sha-1."""
    digest = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode("ascii")
    tag = f'"{len(data):x}-{digest[:27]}"'
    return f"W/{tag}" if weak else tag
