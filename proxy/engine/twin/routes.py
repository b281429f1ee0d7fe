"""Which route a path belongs to, as Express finds it: case, doubled and trailing slashes do not matter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

_PARAMETER = re.compile(r"\{(\w+)(\*?)(?::([^{}]+))?\}")  # a name; a star takes the rest; what it must look like
_SLASHES = re.compile("/+")


@dataclass(frozen=True, slots=True)
class Found[R]:
    route: R
    params: dict[str, str]


@dataclass(slots=True)
class _Node[R]:
    """One segment of the paths that begin alike."""

    literal: dict[str, _Node[R]] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], _Node[R]]] = field(default_factory=list)
    rests: list[tuple[re.Pattern[str], dict[str, R]]] = field(default_factory=list)
    here: dict[str, R] = field(default_factory=dict)  # by method


class Routes[R]:
    """Of all methods. A literal segment wins over a parameter, and that over the rest of a path."""

    def __init__(self, routes: Iterable[tuple[str, str, R]] = ()) -> None:
        self._root: _Node[R] = _Node()
        for method, path, route in routes:
            self.add(method, path, route)

    def add(self, method: str, path: str, route: R) -> None:
        node = self._root
        segments = _segments(path)
        for index, segment in enumerate(segments):
            if found := _PARAMETER.search(segment):
                if found[2]:
                    pattern = _pattern("/".join(segments[index:]))
                    methods = next((m for p, m in node.rests if p.pattern == pattern.pattern), None)
                    if methods is None:
                        methods = {}
                        node.rests.append((pattern, methods))
                    methods[method] = route
                    return
                pattern = _pattern(segment)
                below = next((n for p, n in node.patterns if p.pattern == pattern.pattern), None)
                if below is None:
                    below = _Node()
                    node.patterns.append((pattern, below))
                    node.patterns.sort(key=lambda item: -len(_literal(item[0].pattern)))
                node = below
            else:
                node = node.literal.setdefault(segment.lower(), _Node())
        node.here[method] = route

    def find(self, method: str, path: str) -> Found[R] | None:
        """A HEAD is answered by the GET where it has no route of its own."""
        segments = _segments(path)
        for wanted in (method, "GET") if method == "HEAD" else (method,):
            if found := _search(self._root, segments, 0, wanted, {}):
                return found
        return None


def _search[R](node: _Node[R], segments: list[str], at: int, method: str, params: dict[str, str]) -> Found[R] | None:
    if at == len(segments):
        return Found(node.here[method], params) if method in node.here else None
    segment = segments[at]
    if (below := node.literal.get(segment.lower())) and (found := _search(below, segments, at + 1, method, params)):
        return found
    for pattern, below in node.patterns:
        if (match := pattern.fullmatch(segment)) and (
            found := _search(below, segments, at + 1, method, params | _decoded(match))
        ):
            return found
    rest = "/".join(segments[at:])
    for pattern, methods in node.rests:
        if method in methods and (match := pattern.fullmatch(rest)):
            return Found(methods[method], params | _decoded(match))
    return None


def _segments(path: str) -> list[str]:
    return [segment for segment in _SLASHES.split(path) if segment]


def _pattern(text: str) -> re.Pattern[str]:
    out, at = "", 0
    for found in _PARAMETER.finditer(text):
        out += re.escape(text[at : found.start()])
        out += f"(?P<{found[1]}>{found[3] or ('.+' if found[2] else '[^/]+?')})"
        at = found.end()
    return re.compile(out + re.escape(text[at:]), re.IGNORECASE)


def _literal(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>[^)]*\)", "", pattern)


def _decoded(match: re.Match[str]) -> dict[str, str]:
    return {name: unquote(value) for name, value in match.groupdict().items()}
