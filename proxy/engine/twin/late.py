"""The twin, made when a request needs it first: what was recorded is answered without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peertape.proxy.engine.late import Late
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.ourhosts import OurHosts

if TYPE_CHECKING:
    from peertape.proxy.engine.twin.twin import Twin


class LateTwin:
    """To import the twin, and to read and compile the rules of `version`, takes a third as long as all else of a start.

    A call gives the twin.
    """

    def __init__(self, shelf: Shelf, version: str, answers: Answers, public_url: str | None = None) -> None:
        self._shelf = shelf
        self._version = version
        self._answers = answers
        self._hosts = OurHosts(shelf, public_url)
        self._twin = Late(self._made)

    def __call__(self) -> Twin:
        return self._twin()

    def knows(self, method: str, path: str) -> bool:
        """Whether PeerTube has such a route."""
        return self().knows(method, path)

    def is_foreign(self, request: Request) -> bool:
        """Whether the Host is none of ours, on a route that heeds it."""
        return not self._hosts.has(request.host, request) and self().heeds_host(request)

    def _made(self) -> Twin:
        from peertape.proxy.engine.twin.contract import book
        from peertape.proxy.engine.twin.twin import Twin

        return Twin(self._shelf, book(self._version), self._answers, self._hosts)
