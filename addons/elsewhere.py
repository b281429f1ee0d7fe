"""Files of other hosts, asked live: what comes by the reserved path goes to the host that it names, and to none but
those that the instance named as places of files.

Nothing goes there that is meant for the instance: of the request's headers only those that a file is asked with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from mitmproxy import http
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from peertape.addons.addresses import Addresses, OffLimitsError
from peertape.addons.convert import (
    ANSWERED,
    CLIENT_HOST,
    REACHED,
    SESSION,
    as_sent,
    head_as_request,
    is_elsewhere,
    is_reverse,
    request_of,
)
from peertape.addons.marking import mark_of
from peertape.addons.relay import Relay
from peertape.cassettes.origin import Origin
from peertape.cassettes.recording import Recording
from peertape.proxy.engine.hostpaths import is_host_path, parse
from peertape.proxy.engine.inlinks import query_inward
from peertape.proxy.engine.links import origin_of
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.session import HEADER, Sessions
from peertape.proxy.engine.stages.elsewhere import METHODS, inside, refusing
from peertape.proxy.engine.stages.source import SourceStage


class Elsewhere:
    """Loaded before all that looks at where a request leads. What is not let through stays one for peertape itself."""

    def __init__(
        self, recording: Recording, led: Collection[Origin], addresses: Addresses, origin: Callable[[], str | None]
    ) -> None:
        """`led`: where links of this run lead; `origin` gives the instance's public origin."""
        self._recording = recording
        self._led = led
        self._addresses = addresses
        self._origin = origin
        self._pointed: set[tuple[str, int]] = set()

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        target = flow.request.data.path.decode("latin-1")
        if not is_reverse(flow) or not is_host_path(target):
            return
        asked, request = parse(target), head_as_request(flow)
        client = origin_of(request.scheme, request.host)
        if asked is None or client is None or request.method not in METHODS or not await self._is_named(asked.origin):
            return
        changed = inside(request, asked, client)
        flow.metadata[CLIENT_HOST] = as_sent(flow.request.host_header)
        flow.metadata[REACHED] = client
        flow.metadata[SESSION] = changed.headers.get(HEADER)
        headers = changed.headers.only(lambda name: not name.startswith("peertape-"))
        flow.request.headers = http.Headers(headers.to_bytes())
        if flow.request.is_http2 or flow.request.is_http3:
            flow.request.authority = asked.origin.authority
        flow.request.data.path = query_inward(asked.target, client, self._origin() or client).encode("latin-1")
        flow.request.data.scheme = asked.origin.scheme.encode()
        flow.request.data.host, flow.request.data.port = asked.origin.name, asked.origin.port
        self._pointed.add((asked.origin.name, asked.origin.port))

    def request(self, flow: http.HTTPFlow) -> None:
        """No body goes there, nor is any expected."""
        if is_elsewhere(flow):
            flow.request.raw_content = b""

    async def server_connect(self, data: ServerConnectionHookData) -> None:
        """For what mitmproxy asks itself: WebSockets of trackers, and what no well-behaved client can say."""
        if data.server.address is None or data.server.address[:2] not in self._pointed:
            return
        host, port = data.server.address[:2]
        try:
            data.server.address = ((await self._addresses.of(host, port))[0], port)
        except OffLimitsError as error:
            data.server.error = str(error)
        except OSError:  # the name is not known, as mitmproxy is going to say
            return

    async def _is_named(self, origin: Origin) -> bool:
        """What the recording thread has not looked at yet may name it."""
        if origin in self._led:
            return True
        if origin not in self._recording.named_origins:
            await asyncio.wrap_future(self._recording.drained())
        return origin in self._recording.named_origins


class RelayElsewhere(Relay):
    """The relay of what goes to other hosts; mitmproxy knows addons by the names of their classes."""


class Refusals:
    """Answers of peertape itself in the place of a host's that cannot, or must not, be asked."""

    def __init__(self, source: SourceStage, sessions: Sessions) -> None:
        self._source = source
        self._sessions = sessions

    def of(self, flow: http.HTTPFlow, status: int, detail: str) -> Answer:
        request = request_of(flow)
        answer = self._source.answer(request, self._sessions.of(request), lambda asked: refusing(asked, status, detail))
        flow.metadata[ANSWERED] = True
        mark_of(answer).put(flow)
        return answer
