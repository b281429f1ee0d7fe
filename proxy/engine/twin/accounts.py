"""Whose token it is: the user behind it, by the recording, or by the timeline as of a moment."""

from __future__ import annotations

from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import USER, Question, Shelf
from peertape.proxy.engine.twin.credentials import Bearer
from peertape.proxy.engine.twin.effects import acting
from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.history import History
from peertape.proxy.engine.twin.telling import TOKEN
from peertape.proxy.engine.twin.tokens import is_over
from peertape.proxy.engine.twin.world import World


class Accounts:
    def __init__(self, shelf: Shelf, history: History) -> None:
        self._shelf = shelf
        self._history = history

    def bearer(self, question: Question, session: Session, world: World) -> Bearer:
        request = question.request
        if "authorization" not in request.headers:
            return Bearer(present=False, user=None)
        if is_over(request, session):
            return Bearer(present=True, user=None)
        if session.clock.timeline is None:
            name = question.identity.removeprefix(USER) if question.identity.startswith(USER) else None
            return Bearer(present=True, user=acting(world, name))
        return Bearer(present=True, user=self._by_then(question, world, session.clock.now()))

    def _by_then(self, question: Question, world: World, now: float) -> Entity | None:
        """Who held the token at that moment of the timeline. One that no recorded login gave out was there before."""
        for cassette in self._shelf.cassettes:
            text = question.keys(cassette).credential
            if text is None:
                return None
            token = world.known(TOKEN, text, by="text")
            if token is not None:
                ends = token.get("ends")
                return None if ends is not None and ends < now else acting(world, token.get("user"))
            user = cassette.user_of(text)
            if user is not None and not world.has_heard_of(TOKEN, text) and not self._history.issued(text):
                return acting(world, user)
        return None
