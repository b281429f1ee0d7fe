"""A world that is told events, one after another."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Protocol

from peertape.cassettes.bodies import Body, read
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.model import Exchange
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.twin import functions
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.effects import WORDS, acting
from peertape.proxy.engine.twin.events import Event, with_exchanges
from peertape.proxy.engine.twin.expressions import Evaluator, Expression, Language
from peertape.proxy.engine.twin.facts import Entity, told_object
from peertape.proxy.engine.twin.given import Given, given
from peertape.proxy.engine.twin.overlay import Overlay
from peertape.proxy.engine.twin.world import World

logger = logging.getLogger(__name__)

TOKEN = "token"  # the kind of entity
_ASKER = re.compile(r"\bme\.account\b|\bget\(me, 'account'")
MOST_BYTES = 4 * 1024 * 1024  # of a body that is looked through


class Begun(Protocol):
    """Makes one with the settings that are known without events."""

    def __call__(self, events: Sequence[Event], below: World | None = None, *, removals: bool) -> Telling: ...


class Telling:
    """`events` is the list that it goes through, `told` how many of them it has; `removals`: whether things vanish.

    `below`: a world on which it goes on, and which stays as it is: it knows the settings of the instance already.
    """

    def __init__(
        self,
        book: Book,
        events: Sequence[Event],
        settings: Iterable[Any],
        below: World | None = None,
        *,
        removals: bool,
    ) -> None:
        rules = functions.of_rules(book.roles)
        self.events = events
        self.told = 0
        self.world = (
            World(book.kinds, book.configuration, self._derived) if below is None else Overlay(below, self._derived)
        )
        passed_over = {"configure": below is not None, "forget": not removals}
        self._words = frozenset(word for word in WORDS if not passed_over.get(word))
        known = {**rules, **functions.of_world(self.world)}
        self._of_entities = Language(known)
        self._of_events = Language({**known, **functions.of_recording()})
        for setting in settings:
            self.world.configure(setting)

    def go_on(self, until: int) -> None:
        for event, exchange in with_exchanges(self.events[self.told : until]):
            try:
                self._tell(event, exchange)
            except RecursionError:  # nested as no answer of PeerTube's is
                logger.warning("exchange %d tells nothing: it is nested too deeply", exchange.id)
        self.told = until

    def _derived(self, entity: Entity, expression: Expression) -> Any:
        return Evaluator({"this": entity, "config": self.world.config}, self._of_entities).value(expression)

    def _tell(self, event: Event, exchange: Exchange) -> None:
        recorded, response = exchange.request, exchange.response
        if response is None:
            return
        world = self.world
        decoded = _octets(recorded.headers, recorded.body)
        headers = recorded.headers.without("content-encoding")
        request = Request(recorded.method, recorded.target, headers, decoded)
        token = event.candidate.credential
        user = event.cassette.user_of(token) if token else None
        if user is not None and not world.has_heard_of(TOKEN, token):
            world.learn(TOKEN, {"text": token, "user": user})  # of a login that was not recorded
        me = acting(world, user)
        lacks_account = me is not None and "account" not in me.members
        if world.missed is not None and lacks_account and _asks_for_account(event.contract):
            world.missed.known("user", user, "username")
        names = {
            **names_of(given(request, event.params), request, event.at),
            **names_of_answer(response.status, response.headers, response.body),
            "me": me,
            "config": world.config,
            "token": token,
        }
        evaluator = Evaluator(names, self._of_events)
        for effect in event.contract.effects:
            if effect.what in self._words:
                effect.apply(world, evaluator)


def _asks_for_account(contract: Contract) -> bool:
    found = [expression for effect in contract.effects for expression in (effect.value, *effect.members.values())]
    return any(expression is not None and _names_account(expression.text) for expression in found)


@cache
def _names_account(text: str) -> bool:
    return _ASKER.search(text) is not None


def names_of(seen: Given, request: Request, now: float) -> dict[str, Any]:
    """What effects see of a request."""
    return {
        "params": seen.params,
        "query": seen.query,
        "body": seen.body,
        "headers": seen.headers,
        "cookies": seen.cookies,
        "files": seen.files,
        "now": now,
        "request": {
            "method": request.method,
            "path": request.path,
            "target": request.target,
            "query": request.query,
        },
    }


def names_of_answer(status: int, headers: Headers, body: Body) -> dict[str, Any]:
    """What effects see of an answer."""
    return {
        "response": _value(headers, body),
        "response_headers": {name.lower(): value for name, value in headers},
        "status": status,
    }


def _octets(headers: Headers, body: Body) -> bytes:
    """Decoded; nothing of a body that is too big or in a coding that cannot be undone."""
    if body.size > MOST_BYTES:
        return b""
    try:
        decoded = decode(read(body), codings_of(headers), MOST_BYTES)
    except TooBigError:
        return b""
    return decoded.octets if decoded else b""


def _value(headers: Headers, body: Body) -> Any:
    """The JSON value, as facts."""
    if "json" not in media_type(headers):
        return None
    try:
        return json.loads(_octets(headers, body), object_hook=told_object)
    except (ValueError, RecursionError):
        return None
