"""The relay: asks the instance itself, so that it can notice in time that the instance is away.

mitmproxy cannot put another answer in the place of one that fails, nor grow tired of waiting for one. So flows are
handed over: while the instance is there, its answer streams through; where it fails before the head of an answer, the
recording answers. What an instance does answer is its answer, a 502 of the web server in front of it as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from weakref import WeakSet

from mitmproxy import http

from peertape.addons.addresses import OffLimitsError
from peertape.addons.convert import AWAY, is_answered, is_control, note_asked
from peertape.addons.handoff import HEADER, Handoff, Incoming, Outgoing, outgoing
from peertape.addons.instance import Ask, AwayError, Instance, Told
from peertape.addons.presence import Presence
from peertape.addons.replayer import Replayer, comes_streamed, taken_in
from peertape.addons.sockets import completed
from peertape.addons.streams import add_step
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.intake import Intake
from peertape.proxy.engine.model import Answer

HOP = HEADER.encode()


Instead = Callable[[http.HTTPFlow, Intake | None, AwayError | OffLimitsError], Answer]


class Relay:
    """Loaded before everything that looks at answers, and before the replayer, to which it leaves what the recording
    shall answer.
    """

    def __init__(
        self,
        instance: Instance,
        presence: Callable[[str], Presence],
        handoff: Handoff,
        replayer: Replayer,
        translate: Callable[[Ask], Ask] = lambda ask: ask,
        asks: Callable[[http.HTTPFlow], bool] = lambda flow: True,  # noqa: ARG005
        instead: Instead | None = None,
    ) -> None:
        """`presence` gives that of an origin; `translate` has the last word on what the instance is told.

        `asks` says which flows are its own, `instead` answers where nobody is to be asked; else that is the replayer.
        """
        self._asks = asks
        self._instead = instead or (lambda flow, intake, _: replayer.ask(flow, intake))
        self._instance = instance
        self._presence = presence
        self._handoff = handoff
        self._replayer = replayer
        self._translate = translate
        self._native: WeakSet[http.HTTPFlow] = WeakSet()  # flows that mitmproxy sends to the instance

    async def running(self) -> None:
        await self._handoff.start()

    async def done(self) -> None:
        await self._handoff.stop()
        await self._instance.close()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Big bodies stream to the instance; their digest is kept, so that the recording can answer as well."""
        if (
            is_control(flow)
            or is_answered(flow)
            or not self._asks(flow)
            or not comes_streamed(flow.request)
            or not self._presence(_origin(flow)).may_ask()
        ):
            return
        note_asked(flow)
        intake = self._replayer.take_in(flow)
        add_step(flow.request, taken_in(intake, passes_on=True))
        self._hand_over(flow, intake)

    def request(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None or flow.request.stream or is_control(flow) or is_answered(flow):
            return
        presence, upgrades = self._presence(_origin(flow)), _is_upgrade(flow.request)
        if upgrades and presence.is_away:  # mitmproxy would try, and has no other answer if it fails
            return
        if not self._asks(flow) or not presence.may_ask():
            return
        note_asked(flow)
        if upgrades or not _ask(flow, _origin(flow), b"").sayable:
            self._native.add(flow)
        else:
            self._hand_over(flow)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        self._handoff.headers_arrived(flow)
        if flow in self._native:
            self._presence(_origin(flow)).answered()

    def error(self, flow: http.HTTPFlow) -> None:
        self._handoff.failed(flow)
        if flow in self._native and flow.response is None and flow.server_conn.error:
            self._presence(_origin(flow)).failed(flow.server_conn.error)

    def _hand_over(self, flow: http.HTTPFlow, intake: Intake | None = None) -> None:
        origin = _origin(flow)
        presence = self._presence(origin)

        async def make(incoming: Incoming) -> Outgoing:
            body: bytes | AsyncIterable[bytes] = incoming
            if intake is None:  # mitmproxy holds it
                incoming.discard()
                body = flow.request.raw_content or b""
            try:
                told = await self._instance.ask(self._translate(_ask(flow, origin, body)))
            except AwayError as error:
                presence.failed(str(error))
                failure: AwayError | OffLimitsError = error
            except OffLimitsError as error:
                failure = error
            else:
                presence.answered()
                return _relayed(told)
            flow.metadata[AWAY] = str(failure)
            await incoming.drain()
            if intake is not None:
                intake.finish()  # mitmproxy streams nothing of a body that ends with its head
            answer = self._instead(flow, intake, failure)
            await asyncio.sleep(answer.delay)
            return outgoing(await completed(answer), flow)

        self._handoff.take(flow, make)


def _ask(flow: http.HTTPFlow, origin: str, body: bytes | AsyncIterable[bytes]) -> Ask:
    """As mitmproxy would send it."""
    request = flow.request
    headers = request.headers.copy()
    if request.is_http2 or request.is_http3:
        if "host" not in headers:
            headers.insert(0, "Host", request.host_header or request.authority)
        if len(cookies := headers.get_all("cookie")) > 1:
            headers["Cookie"] = "; ".join(cookies)
    fields = tuple((name, value) for name, value in headers.fields if name.lower() != HOP)
    return Ask(request.method, origin, request.data.path, fields, body)


def _relayed(told: Told) -> Outgoing:
    fields = Headers.from_bytes(told.headers)
    head = http.Response(
        http_version=told.http_version,
        status_code=told.status,
        reason=told.reason,
        headers=http.Headers(told.headers),
        content=None,
        trailers=None,
        timestamp_start=0,  # set when it arrives
        timestamp_end=None,
    )
    length = fields.get("content-length") or ""
    known = length.isdecimal() and "transfer-encoding" not in fields
    return Outgoing(head, told.pieces, int(length) if known else None, told.close)


def _origin(flow: http.HTTPFlow) -> str:
    """Where the flow leads, as long as it is not handed over."""
    host = f"[{flow.request.host}]" if ":" in flow.request.host else flow.request.host
    return f"{flow.request.scheme}://{host}:{flow.request.port}"


def _is_upgrade(request: http.Request) -> bool:
    """mitmproxy plays WebSockets itself."""
    return str(request.headers.get("upgrade", "")).lower() == "websocket"
