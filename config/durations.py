"""Durations as PeerTube's own configuration spells them: `10 seconds`, `5 minutes`, or a number of milliseconds."""

from __future__ import annotations

import re

_TEXT = re.compile(r"(\d+(?:\.\d+)?)\s?([a-z]+)", re.IGNORECASE)
_UNITS = {
    "ms": 1,
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 7 * 86_400_000,
    "month": 30 * 86_400_000,
}
LONGEST = 100 * 365 * 86_400_000


def milliseconds(value: object) -> int:
    """ValueError with a sentence for the user."""
    length = _length(value)
    if length is None:
        raise ValueError(f"{value!r} is no duration; write for example '10 seconds' or '5 minutes'")
    if not 1 <= length <= LONGEST:
        raise ValueError(f"{value!r} is too short or too long; write for example '10 seconds' or '5 minutes'")
    return int(length)


def spelled(length: int) -> str:
    """The milliseconds in the largest unit that divides them: `5 minutes`."""
    for unit in ("week", "day", "hour", "minute", "second"):
        if length % _UNITS[unit] == 0:
            count = length // _UNITS[unit]
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{length} ms"


def _length(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    unit = _UNITS.get(found[2].lower()) or _UNITS.get(found[2].lower().removesuffix("s"))
    return None if unit is None else float(found[1]) * unit
