"""What V8 says of a text that is no JSON, in the words of Node 20's `JSON.parse` (Node 22 adds line and column).

Compared with Node 20.20 on some 200,000 damaged texts. Positions count UTF-16 units, as JavaScript does.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from peertape.proxy.engine.twin.jsontext import in_units

_SPACE = " \t\n\r"
_CONTEXT = 10  # units before and behind the position that a message shows
_ESCAPES = frozenset('"\\/bfnrt')
_HEX = frozenset("0123456789abcdefABCDEF")
_DIGITS = frozenset("0123456789")
_NUMBER_STARTS = _DIGITS | {"-"}
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_WORDS = frozenset({"undefined", "NaN", "Infinity", "[object Object]"})  # what scripts hand over by mistake
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_STARS = re.compile("#+")
_FIRST = re.compile(r"[ \t\n\r]*([^ \t\n\r])")

EXPECTED_NAME_OR_BRACE = "Expected property name or '}'"
EXPECTED_NAME = "Expected double-quoted property name"
EXPECTED_COLON = "Expected ':' after property name"
EXPECTED_COMMA_OR_BRACE = "Expected ',' or '}' after property value"
EXPECTED_COMMA_OR_BRACKET = "Expected ',' or ']' after array element"


class _FaultError(Exception):
    """Its text is V8's message."""


def fault(text: str) -> str | None:
    """The message for a text that is no JSON; None for JSON."""
    try:
        json.loads(text, parse_int=len, parse_float=len, parse_constant=_refuse)
    except (ValueError, RecursionError):  # no JSON, or too deep for Python, which V8 takes
        return _Reader(in_units(text)).fault()
    return None


def strict_fault(text: str) -> str | None:
    """The same for body-parser, which takes objects and arrays only, and stops at the first character of others."""
    found = _FIRST.match(text)
    if found and found[1] in "{[":
        return fault(text)
    units = in_units(text)
    at = units.index(in_units(found[1])[0]) if found else len(units)
    message = fault(units[:at] + "#" * (len(units) - at)) or ""
    return _STARS.sub(lambda stars: units[at : at + len(stars[0])], message)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


class _Reader:
    """Goes through a text as V8's parser does; without recursion, since a body may be deep."""

    def __init__(self, units: str) -> None:
        self._text = units
        self._at = 0

    def fault(self) -> str | None:
        try:
            self._document()
        except _FaultError as error:
            return str(error)
        return None

    def _document(self) -> None:
        open_values: list[str] = []
        while True:
            closed = self._value(open_values)
            while closed and open_values:
                closed = self._after_element(open_values)
            if not open_values:
                break
        if self._peek():
            self._fail("Unexpected non-whitespace character after JSON", bare=True)

    def _value(self, open_values: list[str]) -> bool:
        """Whether a value ends here; else one was opened, and its first element comes next."""
        char = self._peek()
        if char == '"':
            self._string()
        elif char and char in _NUMBER_STARTS:
            self._number()
        elif char in _LITERALS:
            self._literal(_LITERALS[char])
        elif char == "{":
            self._at += 1
            if self._peek() != "}":
                self._name(EXPECTED_NAME_OR_BRACE)
                open_values.append("{")
                return False
            self._at += 1
        elif char == "[":
            self._at += 1
            if self._peek() != "]":
                open_values.append("[")
                return False
            self._at += 1
        else:
            self._unexpected()
        return True

    def _after_element(self, open_values: list[str]) -> bool:
        """Whether the innermost open value ends here; else its next element comes."""
        char, inside_object = self._peek(), open_values[-1] == "{"
        if char == ",":
            self._at += 1
            if inside_object:
                self._name(EXPECTED_NAME)
            return False
        if char != ("}" if inside_object else "]"):
            self._fail(EXPECTED_COMMA_OR_BRACE if inside_object else EXPECTED_COMMA_OR_BRACKET)
        self._at += 1
        open_values.pop()
        return True

    def _name(self, expected: str) -> None:
        if self._peek() != '"':
            self._fail(expected)
        self._string()
        if self._peek() != ":":
            if expected == EXPECTED_NAME:  # of the second member and on
                self._unexpected()
            self._fail(EXPECTED_COLON)
        self._at += 1

    def _string(self) -> None:
        self._at += 1
        while True:
            plain = _PLAIN.match(self._text, self._at)
            assert plain is not None
            self._at = plain.end()
            char = self._char()
            if not char:
                self._fail("Unterminated string")
            if char not in '"\\':
                self._fail("Bad control character in string literal")
            self._at += 1
            if char == '"':
                return
            self._escape()

    def _escape(self) -> None:
        char = self._char()
        if not char or char > "\xff":
            self._unexpected()
        if char != "u" and char not in _ESCAPES:
            self._fail("Bad escaped character")
        self._at += 1
        for _ in range(4 if char == "u" else 0):
            if self._char() not in _HEX:
                self._fail("Bad Unicode escape")
            self._at += 1

    def _number(self) -> None:
        if self._char() == "-":
            self._at += 1
            if self._char() not in _DIGITS:
                self._fail("No number after minus sign")
        if self._char() == "0":
            self._at += 1
            if self._char() in _DIGITS:
                self._unexpected()
        self._digits()
        if self._char() == ".":
            self._at += 1
            if self._char() not in _DIGITS:
                self._fail("Unterminated fractional number")
            self._digits()
        if self._char() in ("e", "E"):
            self._at += 1
            if self._char() in ("+", "-"):
                self._at += 1
            if self._char() not in _DIGITS:
                self._fail("Exponent part is missing a number")
            self._digits()

    def _digits(self) -> None:
        while self._char() in _DIGITS:
            self._at += 1

    def _literal(self, word: str) -> None:
        for expected in word:
            if self._char() != expected:
                self._unexpected()
            self._at += 1

    def _char(self) -> str:
        """The unit at the position; empty at the end."""
        return self._text[self._at : self._at + 1]

    def _peek(self) -> str:
        """The next unit that is no white space."""
        while self._char() and self._char() in _SPACE:
            self._at += 1
        return self._char()

    def _fail(self, what: str, *, bare: bool = False) -> NoReturn:
        raise _FaultError(f"{what} {'' if bare else 'in JSON '}at position {self._at}")

    def _unexpected(self) -> NoReturn:
        text, at, char = self._text, self._at, self._char()
        if not char:
            raise _FaultError("Unexpected end of JSON input")
        if char in _NUMBER_STARTS:
            self._fail("Unexpected number")
        if char == '"':
            self._fail("Unexpected string")
        if text in _WORDS:
            raise _FaultError(f'"{text}" is not valid JSON')
        short = len(text) <= 2 * _CONTEXT
        cut_before = not short and at >= _CONTEXT
        cut_behind = not short and (at < _CONTEXT or at < len(text) - _CONTEXT)
        shown = text[at - _CONTEXT if cut_before else 0 : at + _CONTEXT if cut_behind else None]
        before, behind = "..." if cut_before else "", "..." if cut_behind else ""
        raise _FaultError(f"Unexpected token '{char}', {before}\"{shown}\"{behind} is not valid JSON")
