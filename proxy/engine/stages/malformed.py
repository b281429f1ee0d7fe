"""A path that cannot be decoded: PeerTube notices when a route takes that part of it as a parameter.

The limits count such a request; the checks of the route never see it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from peertape.proxy.engine.chain import Rest, Stage
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.stages.parsing import exactly_recorded, unsettled
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.mounts import API, is_in_the_api

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
_PLACEHOLDER = "x"
_FILES = ("/static/", "/.well-known/")  # served by what decodes the whole path itself
_HEX = frozenset("0123456789abcdefABCDEF")

Knows = Callable[[str, str], bool]


class MalformedPathStage:
    """`knows`: whether PeerTube has a route for a method and a path."""

    def __init__(self, answers: Answers, knows: Knows, recorded: Stage) -> None:
        self._answers = answers
        self._knows = knows
        self._recorded = recorded

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        segments = request.path.split("/")
        broken = next((segment for segment in segments if not is_decodable(segment)), None)
        if broken is None or request.method == "OPTIONS" or not request.path.startswith("/"):
            return rest(request)
        if recorded := exactly_recorded(self._recorded, request, session):
            return recorded
        rest = unsettled(rest)  # what was not exact was played all the same
        if is_in_the_api(request.path, "ping"):
            return rest(request)
        harmless = "/".join(segment if is_decodable(segment) else _PLACEHOLDER for segment in segments)
        is_known = any(self._knows(method, harmless) for method in _METHODS)
        if is_known and request.path.lower().startswith(_FILES):
            return self._answers.problem(request, session.clock.now(), 400, "Bad Request", code="BadRequestError")
        if is_in_the_api(request.path) and not is_known:
            broken = request.path[len(API) + 1 :]  # what takes all that no route knows
        elif not is_known and segments[1] != broken:  # the first of a page's path names its language
            return rest(request)
        detail = f"Failed to decode param '{broken}'"
        return self._answers.problem(request, session.clock.now(), 400, detail, code="URIError")


def is_decodable(segment: str) -> bool:
    """By JavaScript's decodeURIComponent: each `%` begins an octet, and the octets are UTF-8."""
    if "%" not in segment:
        return True
    if not all(set(rest[:2]) <= _HEX and len(rest) >= 2 for rest in segment.split("%")[1:]):
        return False
    try:
        unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
