"""The control API under `/__peertape__/`, as a stage of the engine: the same on every lane."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers, media_type
from peertape.proxy.control.actions import Actions, ControlError
from peertape.proxy.control.reserved import PREFIX, is_control
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session

POLICY = (
    "default-src 'self'",
    "style-src 'unsafe-inline'",
    "script-src 'unsafe-inline'",
    "img-src data:",
    "frame-ancestors 'none'",
)
LARGEST_MESSAGE = 1024 * 1024  # octets

Handler = Callable[[Session, Any], dict[str, Any]]


class ControlStage:
    def __init__(self, actions: Actions, token: str) -> None:
        self._token = token
        self._reads: dict[str, Handler] = {
            "health": actions.health,
            "summary": actions.summary,
            "journal": actions.journal,
            "unmatched": actions.unmatched,
            "limits": actions.limits,
            "faults": actions.faults,
        }
        self._changes: dict[str, Handler] = {
            "reset": actions.reset,
            "clock": actions.clock,
            "upstream": actions.upstream,
            "limits": actions.change_limits,
            "faults": actions.change_faults,
        }

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if not is_control(request):
            return rest(request)
        try:
            return self._control(request, session)
        except ControlError as error:
            return _problem(error)

    def _control(self, request: Request, session: Session) -> Answer:
        _refuse_rebound_names(request)
        name = request.path.removeprefix(PREFIX).strip("/")
        if not name:
            _allow(request, "GET", "HEAD")
            return _page()
        if name in self._reads and (request.method != "POST" or name not in self._changes):
            _allow(request, "GET", "HEAD", *(("POST",) if name in self._changes else ()))
            return _json(200, self._reads[name](session, None))
        if name in self._changes:
            _allow(request, "POST")
            self._demand_token(request)
            return _json(200, self._changes[name](session, _message(request)))
        known = ", ".join(sorted({*self._reads, *self._changes}))
        raise ControlError(404, f"There is no {name!r} here; there are {known}.")

    def _demand_token(self, request: Request) -> None:
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            raise ControlError(
                401,
                "This needs `Authorization: Bearer TOKEN`: see PEERTAPE_TOKEN, or what the start printed.",
            )


def _refuse_rebound_names(request: Request) -> None:
    """A web page must not read the journal by letting its own name resolve to this machine (DNS rebinding)."""
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdecimal() else request.host
    host = host.strip("[]").lower()
    if "." not in host or host.endswith(".localhost"):
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ControlError(403, f"The control API does not answer to the name {host}; use the address.") from None


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ControlError(405, f"This takes {' or '.join(methods)}.", (("Allow", ", ".join(methods)),))


def _message(request: Request) -> Any:
    if len(request.body) > LARGEST_MESSAGE:
        raise ControlError(413, "That message is too long.")
    if not request.body.strip():
        return {}
    if "json" not in media_type(request.headers):
        raise ControlError(415, "Send JSON, with `Content-Type: application/json`.")
    try:
        message = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise ControlError(400, f"That is not JSON: {error}.") from error
    if not isinstance(message, dict):
        raise ControlError(400, "Send a JSON object.")
    return message


def _page() -> Answer:
    return _answer(200, "text/html; charset=utf-8", files("peertape.proxy.control").joinpath("page.html").read_bytes())


def _json(status: int, value: Any) -> Answer:
    return _answer(status, "application/json; charset=utf-8", json.dumps(value, ensure_ascii=False).encode())


def _problem(error: ControlError) -> Answer:
    document = {"type": "urn:peertape:control", "title": error.title, "status": error.status, "detail": str(error)}
    body = json.dumps(document, ensure_ascii=False).encode()
    return _answer(error.status, "application/problem+json; charset=utf-8", body, error.headers)


def _answer(status: int, kind: str, body: bytes, more: tuple[tuple[str, str], ...] = ()) -> Answer:
    headers = Headers(
        (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "; ".join(POLICY)),
            *more,
        )
    )
    return Answer(status, headers, BytesBody(body), "", Source.CONTROL)
