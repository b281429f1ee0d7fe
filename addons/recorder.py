"""The recorder: every exchange with the instance goes into the cassette while it streams through to the app.

Whatever happens to an exchange is kept, and marked: a cut one is never replayed as if it were whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

from peertape.addons.convert import AWAY, CLIENT_HOST, SCHEME, as_sent, is_answered, is_control, is_elsewhere
from peertape.addons.replayer import comes_streamed
from peertape.addons.streams import add_step, watched
from peertape.cassettes import places
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Closing, Message, RecordedRequest, RecordedResponse, State
from peertape.cassettes.recording import Entry, Recording
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.proxy.engine.inlinks import may_hand_back

logger = logging.getLogger(__name__)

Covers = Callable[[http.HTTPFlow], bool]


class Recorder:
    """`covers` says which flows are recorded, `held` whose response another addon wants whole before it goes on.

    `at_once`: nothing else may answer (record modes `all` and `rewrite`), so that request bodies stream through, too.
    """

    def __init__(
        self,
        recording: Recording,
        covers: Covers,
        held: Covers,
        *,
        at_once: bool = True,
        largest_response: int | None = None,
    ) -> None:
        self._recording = recording
        self._covers = covers
        self._held = held
        self._at_once = at_once
        self._limit = largest_response
        self._entries: WeakKeyDictionary[http.HTTPFlow, Entry] = WeakKeyDictionary()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if is_control(flow) or is_answered(flow) or not (self._goes_at_once(flow) or comes_streamed(flow.request)):
            return
        if self._covers(flow):
            entry = self._begin(flow)
            add_step(flow.request, watched(entry.request_data))
        else:
            flow.request.stream = flow.request.stream or True

    def _goes_at_once(self, flow: http.HTTPFlow) -> bool:
        """Not what another addon wants whole: a body with links in it, and what it hands over itself."""
        length = flow.request.headers.get("content-length", "")
        if not self._at_once or is_elsewhere(flow):
            return False
        is_small = length.isdecimal() and not comes_streamed(flow.request)
        return not (is_small and may_hand_back(_headers(flow.request.headers), int(length)))

    def request(self, flow: http.HTTPFlow) -> None:
        if is_answered(flow) or is_control(flow):
            return
        entry = self._entries.get(flow)
        if entry is None:
            if not self._covers(flow):
                return
            entry = self._begin(flow)
        if flow.request.raw_content:  # it was not streamed
            entry.request_data(flow.request.raw_content)
        entry.request_end(flow.request.timestamp_end, _headers(flow.request.trailers))

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        entry, response = self._entries.get(flow), flow.response
        if response is None:
            return
        if is_answered(flow):
            if entry is not None:  # the instance was asked, and failed
                entry.end(State.FAILED, time.time(), flow.metadata.get(AWAY))
                del self._entries[flow]
            return
        if entry is not None:
            head = RecordedResponse(
                response.status_code, response.reason, response.http_version, _headers(response.headers)
            )
            entry.response_head(head, response.timestamp_start, self._limit)
        if self._held(flow):
            return
        if entry is not None:
            add_step(response, watched(entry.response_data))
        else:
            response.stream = response.stream or True

    def response(self, flow: http.HTTPFlow) -> None:
        entry, response = self._entries.get(flow), flow.response
        if entry is None or response is None or flow.websocket is not None:
            return
        if not response.stream and response.raw_content:
            entry.response_data(response.raw_content)
        entry.end(State.COMPLETE, response.timestamp_end, trailers=_headers(response.trailers))

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        entry = self._entries.get(flow)
        if entry is not None and flow.websocket is not None:
            position = len(flow.websocket.messages) - 1
            message = flow.websocket.messages[position]
            entry.message(position, Message(message.timestamp, message.from_client, message.is_text, message.content))

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        entry = self._entries.get(flow)
        socket = flow.websocket
        if entry is not None and socket is not None:
            ended = socket.timestamp_end or time.time()
            if socket.close_code is not None:
                by_client = bool(socket.closed_by_client)
                entry.closing(Closing(ended, by_client, socket.close_code, socket.close_reason or ""))
            entry.end(State.COMPLETE, ended)

    def error(self, flow: http.HTTPFlow) -> None:
        entry = self._entries.get(flow)
        if entry is not None:
            state = State.FAILED if flow.response is None else State.CUT
            entry.end(state, time.time(), flow.error.msg if flow.error else None)

    def _begin(self, flow: http.HTTPFlow) -> Entry:
        request = flow.request
        headers = _headers(request.headers).only(lambda name: not name.startswith("peertape-"))
        recorded = RecordedRequest(
            request.data.method.decode("latin-1"),
            request.data.path.decode("latin-1"),
            flow.metadata.get(SCHEME, request.scheme),
            as_sent(request.host_header or request.pretty_host),
            request.http_version,
            headers,
        )
        entry = self._recording.begin(recorded, request.timestamp_start, flow.metadata.get(CLIENT_HOST))
        self._entries[flow] = entry
        return entry


def _headers(headers: http.Headers | None) -> Headers:
    return Headers.from_bytes(headers.fields) if headers is not None else Headers()


class Script:
    """`mitmdump -s addons/recorder.py -m reverse:https://peertube.example --set peertape_cassette=mine.cassette`"""

    def __init__(self) -> None:
        self.addons: list[object] = []
        self._recording: Recording | None = None

    def load(self, loader: Loader) -> None:
        loader.add_option("peertape_cassette", str, "peertape.cassette", "The cassette to record into.")

    def running(self) -> None:
        place = places.named(ctx.options.peertape_cassette)
        self._recording = Recording(place, RedactionRules.default(), None, logger.error)
        self.addons = [Recorder(self._recording, covers=lambda _: True, held=lambda _: False)]

    def done(self) -> None:
        if self._recording is not None:
            self._recording.close()


addons = [Script()]
