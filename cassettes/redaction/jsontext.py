"""Secrets in JSON, replaced where they stand: spaces, escapes, order and duplicates stay as they were.

The text is read token by token and need not be valid: what is cut or malformed is redacted as far as it can be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from peertape.cassettes.redaction.rules import RedactionRules, base_name, folded, matches
from peertape.cassettes.redaction.spelling import in_json
from peertape.config.secrets import SecretName

_TOKEN = re.compile(
    r'"(?P<string>[^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\\?\Z)|(?P<mark>[{}\[\]:,])|(?P<bare>[^\s{}\[\]:,"]++)', re.DOTALL
)
_NUMBER = re.compile(r"(-?)(\d+)(?:(\.)(\d+))?([eE][+-]?\d+)?")
_CONSTANTS = frozenset({"true", "false", "null"})
_ECHOES = "invalid-params"

type Replace = Callable[[str, SecretName], str]


@dataclass(slots=True)
class _Frame:
    """An object or a list that is open."""

    is_object: bool
    secret: SecretName | None = None  # what a list's items are
    echo: SecretName | None = None  # what the member `value` is
    is_echoes: bool = False
    awaits_key: bool = True
    key: str = ""
    index: int = 0


class JsonText:
    """`replace` gives a secret's pseudonym, `visit` redacts what stands inside any other string."""

    def __init__(self, rules: RedactionRules, replace: Replace, visit: Callable[[str], str]) -> None:
        self._rules = rules
        self._replace = replace
        self._visit = visit

    def redacted(self, text: str) -> str:
        frames = [_Frame(is_object=False)]
        out: list[str] = []
        done = 0
        for token in _TOKEN.finditer(text):
            frame = frames[-1]
            kind = token.lastgroup
            if kind == "mark":
                self._mark(token[0], frame, frames)
                continue
            if frame.is_object and frame.awaits_key:
                raw = token[kind or 0]
                frame.key = _unescaped(raw) if "\\" in raw else raw
                new = raw if "=" not in raw or kind == "bare" else in_json(raw, self._visit)
            elif kind == "string":
                new = self._string(token["string"], frame, frames)
            else:
                new = self._bare(token["bare"], frame, frames)
            start, stop = token.span(kind or 0)
            if text[start:stop] != new:
                out += (text[done:start], new)
                done = stop
        return "".join((*out, text[done:])) if out else text

    def _mark(self, mark: str, frame: _Frame, frames: list[_Frame]) -> None:
        if mark == "{":
            frames.append(_Frame(is_object=True, echo=self._echo(frame), is_echoes=frame.key == _ECHOES))
        elif mark == "[":
            frames.append(_Frame(is_object=False, secret=self._secret(frame, frames)))
        elif mark in "}]":
            if len(frames) > 1:
                frames.pop()
        elif mark == ":":
            frame.awaits_key = False
        else:
            frame.awaits_key = True
            frame.index += 1

    def _echo(self, frame: _Frame) -> SecretName | None:
        if not frame.is_echoes:
            return None
        return self._rules.echoes.get(folded(base_name(frame.key.rpartition(".")[2])))

    def _secret(self, frame: _Frame, frames: list[_Frame]) -> SecretName | None:
        """What a value at this place is."""
        if not frame.is_object:
            found = frame.secret
        elif frame.echo is not None and frame.key == "value":
            found = frame.echo
        else:
            found = self._rules.members.get(base_name(frame.key))
        if found is None and self._rules.paths:
            path = tuple(step.key if step.is_object else step.index for step in frames[1:])
            found = next((rule.secret for rule in self._rules.paths if matches(rule.path, path)), None)
        return found

    def _string(self, raw: str, frame: _Frame, frames: list[_Frame]) -> str:
        secret = self._secret(frame, frames)
        if secret is None:
            return in_json(raw, self._visit)
        return in_json(raw, lambda text: self._replace(text, secret))

    def _bare(self, raw: str, frame: _Frame, frames: list[_Frame]) -> str:
        secret = self._secret(frame, frames)
        if secret is None or raw in _CONSTANTS:
            return raw
        number = _NUMBER.fullmatch(raw)
        if number is None:
            return self._replace(raw, secret)
        sign, whole, point, fraction, exponent = (part or "" for part in number.groups())
        return sign + self._replace(whole, secret) + point + (fraction and self._replace(fraction, secret)) + exponent


def _unescaped(raw: str) -> str:
    seen: list[str] = []

    def see(text: str) -> str:
        seen.append(text)
        return text

    in_json(raw, see)
    return seen[0]
