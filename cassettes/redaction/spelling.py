"""Texts and their spelling: a replaced character is spelled as the one that stood there was (raw, %XX, \\uXXXX)."""

from __future__ import annotations

import re
from collections.abc import Callable

type Units = list[tuple[str, str]]  # a character, and how it was spelled

_JSON_UNIT = re.compile(
    r"\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r'|\\u(?P<code>[0-9a-fA-F]{4})|\\(?P<short>["\\/bfnrt])|(?P<raw>.)',
    re.DOTALL,
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def in_json(raw: str, change: Callable[[str], str]) -> str:
    """Change the text behind the inside of a JSON string; `change` must keep the number of characters."""
    if "\\" not in raw:
        return change(raw)
    units: Units = []
    for found in _JSON_UNIT.finditer(raw):
        if found["high"]:
            code = 0x10000 + ((int(found["high"], 16) & 0x3FF) << 10) + (int(found["low"], 16) & 0x3FF)
            units.append((chr(code), found[0]))
        elif found["code"]:
            units.append((chr(int(found["code"], 16)), found[0]))
        elif found["short"]:
            units.append((_SHORT.get(found["short"], found["short"]), found[0]))
        else:
            units.append((found[0], found[0]))
    return _respelled(raw, units, change, _json_spelling)


def _json_spelling(fresh: str, spelled: str) -> str:
    if len(spelled) == 1:
        return fresh
    code = ord(fresh)
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def in_percent(raw: str, change: Callable[[str], str], level: int = 0, plus: bool = True) -> str:
    """Change the text behind a percent-encoded value, encoded `level` times more than once.

    With `plus`, a raw + is a space.
    """
    escape = "%" + "25" * level
    if escape not in raw and "+" not in raw:
        return change(raw)
    size = len(escape) + 2
    units: Units = []
    for found in re.finditer(rf"(?:{escape}[0-9a-fA-F]{{2}})+|.", raw, re.DOTALL):
        run = found[0]
        if len(run) == 1:
            units.append((" " if plus and run == "+" else run, run))
            continue
        octets = bytes.fromhex("".join(run[i + size - 2 : i + size] for i in range(0, len(run), size)))
        start = 0
        for character in octets.decode("utf-8", "surrogateescape"):
            stop = start + size * len(character.encode("utf-8", "surrogateescape"))
            units.append((character, run[start:stop]))
            start = stop

    def spell(fresh: str, spelled: str) -> str:
        if len(spelled) == 1:
            return fresh
        digits = "{:02x}" if spelled[size - 2 :] != spelled[size - 2 :].upper() else "{:02X}"
        return "".join(escape + digits.format(octet) for octet in fresh.encode("utf-8", "surrogateescape"))

    return _respelled(raw, units, change, spell)


def _respelled(raw: str, units: Units, change: Callable[[str], str], spell: Callable[[str, str], str]) -> str:
    old = "".join(character for character, _ in units)
    new = change(old)
    if new == old:
        return raw
    return "".join(
        spelled if fresh == character else spell(fresh, spelled)
        for fresh, (character, spelled) in zip(new, units, strict=True)
    )


def decoded(octets: bytes, charset: str = "") -> tuple[str, str]:
    """The text of a body, and the codec by which `encoded` gives exactly these octets again.

    Whatever else it may be, it is read as UTF-8: secrets and their positions are ASCII nearly always.
    """
    if charset.startswith(("utf-16", "utf-32")):
        for codec in (charset, f"{charset}-le", f"{charset}-be"):
            try:
                text = octets.decode(codec)
                if text.encode(codec) == octets:
                    return text, codec
            except (LookupError, ValueError):
                continue
    return octets.decode("utf-8", "surrogateescape"), ""


def encoded(text: str, codec: str) -> bytes:
    return text.encode(codec) if codec else text.encode("utf-8", "surrogateescape")


def latin(change: Callable[[str], str], value: str) -> str:
    """Change a header value: latin-1 text that stands for octets, mostly of UTF-8."""
    if value.isascii():
        return change(value)
    text = value.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
    new = change(text)
    return value if new == text else new.encode("utf-8", "surrogateescape").decode("latin-1")
