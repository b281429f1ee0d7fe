"""Files of other hosts: what is asked under the reserved path, or of another host through the forward proxy.

Nothing of the instance holds there, neither its limits nor its rules: only what was recorded, and faults on demand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.origin import Origin
from peertape.proxy.engine.chain import Engine, Rest, Stage
from peertape.proxy.engine.hostlinks import sandboxed
from peertape.proxy.engine.hostpaths import HostPath, is_host_path, parse
from peertape.proxy.engine.hosts import is_instance
from peertape.proxy.engine.links import origin_of
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.miss import CORS

TYPE = "urn:peertape:host"
METHODS = ("GET", "HEAD", "OPTIONS")
# What a file's host is told of a request. All else may tell of the instance, and of who is asking.
TOLD = frozenset(
    {
        "host",
        "accept",
        "accept-encoding",
        "accept-language",
        "user-agent",
        "range",
        "if-range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "cache-control",
        "pragma",
        "origin",
        "access-control-request-method",
        "access-control-request-headers",
        "access-control-request-private-network",
        "connection",
        "upgrade",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-protocol",
        "sec-websocket-extensions",
    }
)

Permits = Callable[[Origin], bool]


class ElsewhereStage:
    """Stands first. `permits` says which hosts may be asked for, `behind` answers what is for other hosts."""

    def __init__(self, shelf: Shelf, permits: Permits, outermost: Stage, behind: Sequence[Stage]) -> None:
        self._shelf = shelf
        self._permits = permits
        self._outermost = outermost
        self._behind = Engine([outermost, *behind])

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if request.origin_form and is_host_path(request.target):
            asked = parse(request.target)
            client = origin_of(request.scheme, request.host)
            refusal = refused(request, asked, self._permits)
            if refusal is not None or asked is None or client is None:
                answer = refusal or refusing(request, 400, "The Host of that request is none.")
                return self._outermost.answer(request, session, lambda _: answer)
            request = inside(request, asked, client)
        if request.reached is not None:
            answer = self._behind.answer(request, session)
            return answer if answer.source is Source.LIVE else replace(answer, headers=sandboxed(answer.headers))
        return rest(request) if self._is_for_instance(request) else self._behind.answer(request, session)

    def _is_for_instance(self, request: Request) -> bool:
        if request.origin_form or request.by_alias or not self._shelf.cassettes:
            return True
        return any(is_instance(request.host, cassette) for cassette in self._shelf.cassettes)


def inside(request: Request, asked: HostPath, client: str) -> Request:
    """The request as one to the other host."""
    own = request.headers.only(lambda name: name in TOLD or name.startswith("peertape-"))
    headers = own.replaced("Host", asked.origin.authority)
    return replace(
        request,
        target=asked.target,
        headers=headers,
        scheme=asked.origin.scheme,
        origin_form=False,
        reached=client,
    )


def refused(request: Request, asked: HostPath | None, permits: Permits) -> Answer | None:
    """The refusal of what is under the reserved path and may not be asked for; None if it may."""
    if asked is None:
        return refusing(request, 403, "That names no host: /__peertape__/host/https/files.example/path is such a path.")
    if request.method not in METHODS:
        allow = (("Allow", ", ".join(METHODS)),)
        return refusing(request, 405, "Files of other hosts are only read.", allow)
    if not permits(asked.origin):
        return refusing(request, 403, f"{asked.origin} is no place where the instance said that its files lie.")
    return None


def refusing(request: Request, status: int, detail: str, more: Sequence[tuple[str, str]] = ()) -> Answer:
    """A document that a browser app can read. Nothing was asked anywhere."""
    title, reason = {
        400: ("No host", "Bad Request"),
        403: ("Not a host of this instance", "Forbidden"),
        405: ("Not a file", "Method Not Allowed"),
        502: ("Away", "Bad Gateway"),
    }[status]
    document = {"type": TYPE, "title": title, "status": status, "detail": detail}
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = Headers(
        (
            *CORS,
            *more,
            ("Content-Type", "application/problem+json; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        )
    )
    content = b"" if request.method == "HEAD" else body
    remark = (("host", "away" if status == 502 else "refused"),)
    return Answer(status, headers, BytesBody(content), reason, Source.MISS, remark=remark)


def permits_none(_: Origin) -> bool:
    """Where a lane has let through what it may: the rest is refused."""
    return False


def permits_known(shelf: Shelf) -> Permits:
    """For what is answered from cassettes: the hosts that they name, and those of which they hold something."""

    def permits(origin: Origin) -> bool:
        return any(
            origin in cassette.named_origins() or origin.authority in cassette.authorities()
            for cassette in shelf.cassettes
        )

    return permits
