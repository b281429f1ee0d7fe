"""The token of a request, judged as PeerTube's OAuth layer judges it.

Source: observed answers. No token: 401 `unauthorized_request`; Basic or an empty Bearer: 400 `invalid_request`; an
unknown or expired one: 401 `invalid_token`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.given import Given, Unread
from peertape.proxy.engine.twin.values import ABSENT

DETAIL = "Token is invalid"
_BEARER = re.compile(r"Bearer\s(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who presents a token. `user`: None where no valid token says so; `present`: whether there is an Authorization."""

    present: bool
    user: Entity | None


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    code: str


def refusal(given: Given, bearer: Bearer) -> Refusal | None:
    """Why the request is not let in; None if it is."""
    in_header = "authorization" in given.headers
    in_query = given.query.get("access_token", ABSENT) is not ABSENT
    told = isinstance(given.body, dict) and not isinstance(given.body, Unread)  # what is not told is no login form
    in_body = told and bool(given.body.get("access_token"))
    if in_header + in_query + in_body > 1 or in_query or in_body:
        return Refusal(400, "invalid_request")
    if not in_header:
        return Refusal(401, "unauthorized_request")
    if not _BEARER.search(given.headers["authorization"]):
        return Refusal(400, "invalid_request")
    return None if bearer.user is not None else Refusal(401, "invalid_token")
