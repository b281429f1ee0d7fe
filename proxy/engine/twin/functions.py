"""The functions of the rules' expressions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from peertape.proxy.engine.limits.negotiation import preferred
from peertape.proxy.engine.twin.checks import CHECKS
from peertape.proxy.engine.twin.expressions import Functions, member
from peertape.proxy.engine.twin.jsontext import stringify
from peertape.proxy.engine.twin.rights import Roles
from peertape.proxy.engine.twin.sanitizers import SANITIZERS, number_of
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import exists, text_of, truthy
from peertape.proxy.engine.twin.world import World

Disguise = Callable[[str, bool], frozenset[str]]  # a secret's text, guessable or not: what the cassettes hold instead


class Disguised:
    """Equal to any of the texts that stand for a secret."""

    def __init__(self, texts: frozenset[str]) -> None:
        self.texts = texts

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Disguised):
            return bool(self.texts & other.texts)
        return other in self.texts

    def __hash__(self) -> int:
        return hash(self.texts)


def number(value: Any) -> Any:
    """JavaScript's Number() of a text or number; None stays None."""
    if not exists(value) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool):
        return int(value)
    found = number_of(text_of(value))
    return None if found != found else found


def seconds(value: Any) -> float | None:
    """The epoch seconds of an ISO 8601 text."""
    if not isinstance(value, str):
        return None
    return datetime.fromisoformat(value).timestamp()


def length(value: Any) -> int:
    return len(value) if exists(value) and hasattr(value, "__len__") else 0


def get(value: Any, path: str, default: Any = None) -> Any:
    """A member at any depth, or the default where it is not known."""
    try:
        for name in path.split("."):
            value = member(value, name)
    except Undecided:
        return default
    return value if exists(value) else default


def owns(user: Any, thing: Any) -> bool:
    """Whether the account of a thing is the user's own."""
    if user is None or thing is None:
        return False
    account = next((a for a in (get(thing, "account"), get(thing, "ownerAccount")) if a is not None), None)
    if account is None:
        raise Undecided("account")
    mine = get(user, "account.id")
    if mine is not None and get(account, "id") is not None:
        return bool(mine == get(account, "id"))
    if get(account, "isLocal", True) is False:
        return False
    return bool(text_of(member(account, "name")).lower() == text_of(member(user, "username")).lower())


def first(values: Any) -> Any:
    return values[0] if values else None


def claims(token: Any) -> Any:
    """What a JSON Web Token (RFC 7519) says, unverified; None where it cannot be read."""
    try:
        text = str(token).split(".")[1]
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (IndexError, ValueError):
        return None


def check(name: str, value: Any, **arguments: Any) -> bool:
    """Whether a value passes one of the checks that chains name."""
    found = CHECKS[name]
    return found.test(text_of(value) if found.of == "texts" else value, **arguments)


_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def setting_names(value: Any) -> Any:
    """An object of the API with the names that PeerTube's settings have: `maxUserLives` is `max_user_lives`."""
    if isinstance(value, Mapping):
        return {_WORD_ENDS.sub("_", name).lower(): setting_names(member) for name, member in value.items()}
    return value


def of_rules(roles: Roles) -> Functions:
    """Those that need no world."""
    return {
        "exists": exists,
        "truthy": truthy,
        "number": number,
        "text": text_of,
        "lower": lambda value: text_of(value).lower(),
        "length": length,
        "seconds": seconds,
        "get": get,
        "owns": owns,
        "first": first,
        "check": check,
        "claims": claims,
        "sanitized": lambda name, value: SANITIZERS[name](value),
        "has_right": lambda user, name: user is not None and roles.has_right(user, name),
        "quoted": stringify,
        "matches": lambda pattern, value: re.search(pattern, text_of(value)) is not None,
        "starts_with": lambda value, start: text_of(value).startswith(start),
        "ends_with": lambda value, end: text_of(value).endswith(end),
        "setting_names": setting_names,
        "preferred": preferred,
        "split": lambda value, by: text_of(value).split(by),
        "strip": lambda value: text_of(value).strip(),
        "is_list": lambda value: isinstance(value, list),
        "is_text": lambda value: isinstance(value, str),
        "any": any,
        "all": all,
        "sum": sum,
        "min": min,
        "max": max,
        "abs": abs,
        "sorted": sorted,
        "unique": lambda values: list(dict.fromkeys(values)),
        "undecided": _undecided,
    }


def of_world(world: World) -> Functions:
    return {
        "known": world.known,
        "all_of": lambda kind, **wanted: world.all_of(kind, wanted),
        "count": lambda kind, **wanted: len(world.all_of(kind, wanted)),
    }


def of_secrets(disguise: Disguise) -> Functions:
    return {
        "secret": lambda value: Disguised(disguise(text_of(value), False)) if exists(value) else None,
        "password": lambda value: Disguised(disguise(text_of(value), True)) if exists(value) else None,
    }


def of_recording() -> Functions:
    """In a cassette secrets are told as they are compared; whoever asked reached the instance."""
    return {"secret": _same, "password": _same, "is_our_host": lambda _host: True}


def _same(value: Any) -> Any:
    return value


def _undecided(what: str = "it") -> Any:
    raise Undecided(what)
