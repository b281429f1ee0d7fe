"""How times, sizes and recorded text are written for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # line feed and tab stay
_UNITS = ("kB", "MB", "GB", "TB")


def moment(epoch: float) -> str:
    """`2026-11-23T22:20:16.123Z`."""
    text = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def size(octets: int) -> str:
    """`999 octets`, `1.2 MB`."""
    if octets < 1000:
        return f"{octets} octets"
    power = next((power for power in range(1, len(_UNITS)) if octets < 999.95 * 1000**power), len(_UNITS))
    return f"{octets / 1000**power:.1f} {_UNITS[power - 1]}"


def printable(text: str) -> str:
    """Recorded text for a terminal: no control sequence of a server reaches it."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
