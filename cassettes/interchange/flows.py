"""mitmproxy's flow files, in and out, one flow in memory at a time.

Facts: mitmproxy/io/io.py and tnetstring.py (the file), mitmproxy/http.py (what the fields of a flow hold).
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from mitmproxy.connection import Client, Server
from mitmproxy.flow import Error
from mitmproxy.http import Headers as FlowHeaders
from mitmproxy.http import HTTPFlow, Request, Response
from mitmproxy.io import tnetstring
from mitmproxy.websocket import WebSocketData, WebSocketMessage
from wsproto.frame_protocol import Opcode

from peertape.cassettes.bodies import read
from peertape.cassettes.errors import ImportFailed
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange import extras, flowstates, netstrings
from peertape.cassettes.interchange.framing import in_memory, octets, without_ours
from peertape.cassettes.interchange.report import ImportReport, Progress
from peertape.cassettes.model import Exchange, Message, RecordedRequest, RecordedResponse, State, Timing

_ERRORS = {
    State.FAILED: "no response was recorded",
    State.UNSTORED: "the body was over the size limit and was not kept",
    State.CUT: "cut while recording",
    State.OPEN: "cut while recording",
}
_SWEEP = 64 * 1024 * 1024
# What Python's types and mitmproxy's converters say of a damaged file.
_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError, MemoryError)


def read_flows(
    file: BinaryIO, report: ImportReport | None = None, progress: Progress | None = None
) -> Iterator[Exchange]:
    """Every HTTP flow of the file as an exchange, in the file's order.

    ImportFailed where the file ends early or is no flow file; what came before it has been yielded by then.
    """
    report = report or ImportReport()
    for number, state in enumerate(_states(file), start=1):
        try:
            kind = flowstates.kind_of(state)
            exchange = flowstates.exchange_of_state(state) if kind == "http" else None
        except _DAMAGE as error:
            raise ImportFailed(f"flow {number} cannot be understood: {error}") from error
        if exchange is None:
            report.skipped[kind] += 1
        elif exchange.request.method == "CONNECT":
            report.skipped["connect"] += 1
        else:
            yield report.took(exchange)
        if progress:
            progress(file.tell())


def write_flows(exchanges: Iterable[Exchange], file: BinaryIO) -> int:
    """Writes a flow for each exchange, the incomplete ones too, and returns how many."""
    count, sweeper = 0, _Sweeper()
    for exchange in exchanges:
        tnetstring.dump(flow_of(exchange).get_state(), file)
        sweeper.passed(exchange)
        count += 1
    return count


class _Sweeper:
    """Frees the bodies of the flows that have passed.

    mitmproxy/utils/typecheck.py leaves every message in a reference cycle with the exception that it caught, and
    Python collects cycles by their number, not by their size.
    """

    def __init__(self) -> None:
        self._unswept = 0

    def passed(self, exchange: Exchange) -> None:
        self._unswept += exchange.request.body.size + (exchange.response.body.size if exchange.response else 0)
        if self._unswept > _SWEEP:
            self._unswept = 0
            gc.collect()


def _states(file: BinaryIO) -> Iterator[flowstates.FlowState]:
    number = 0
    while True:
        try:
            if (data := netstrings.read(file)) is None:
                return
            state = flowstates.state_of(data)
        except _DAMAGE as error:
            if "flow format version" in str(error):
                raise ImportFailed(f"flow {number + 1} cannot be read: {error}") from error
            raise ImportFailed(f"the file is cut off or damaged after {number} whole flows") from error
        number += 1
        yield state


def exchange_of(flow: HTTPFlow) -> Exchange:
    """The exchange that an HTTP flow recorded."""
    return flowstates.exchange_of_state(flow.get_state())


def flow_of(exchange: Exchange) -> HTTPFlow:
    """A flow that mitmproxy shows and replays, and that `exchange_of` turns back into the same exchange."""
    exchange = without_ours(in_memory(exchange))
    host, port = _host_and_port(exchange.request.authority, exchange.request.scheme)
    flow = HTTPFlow(
        Client(
            peername=("127.0.0.1", 0),
            sockname=("127.0.0.1", 0),
            timestamp_start=exchange.timing.started,
            tls=exchange.request.scheme == "https",
        ),
        Server(address=(host, port), tls=exchange.request.scheme == "https"),
    )
    flow.timestamp_created = exchange.timing.started
    flow.request = _flow_request(exchange.request, exchange.timing, host, port)
    if exchange.response is not None:
        flow.response = _flow_response(exchange.response, exchange.timing, exchange.state)
    if exchange.messages or exchange.closing is not None:
        flow.websocket = WebSocketData([_flow_message(message) for message in exchange.messages])
    if flow.websocket is not None and (closing := exchange.closing) is not None:
        flow.websocket.closed_by_client = closing.from_client
        flow.websocket.close_code, flow.websocket.close_reason = closing.code, closing.reason
        flow.websocket.timestamp_end = closing.at
    reason = exchange.error or _ERRORS.get(exchange.state)
    if reason is not None:
        text = reason.encode("utf-8", "backslashreplace").decode("utf-8")
        flow.error = Error(text, exchange.timing.answered or exchange.timing.sent or exchange.timing.started)
    if exchange.id:
        flow.comment = f"peertape exchange {exchange.id}"
    if lost := extras.differences(exchange, flowstates.plain_exchange(flow.get_state())):
        flow.metadata[flowstates.METADATA] = lost
    return flow


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    host, colon, port = authority.rpartition(":")
    if not colon or "]" in port or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        host, port = authority, str(flowstates.DEFAULT_PORTS.get(scheme, 80))
    return host.removeprefix("[").removesuffix("]"), int(port)


def _flow_request(request: RecordedRequest, timing: Timing, host: str, port: int) -> Request:
    # HTTP/1 with an authority would be the absolute form; HTTP/2 and 3 have :authority where there is no Host.
    pseudo = not request.http_version.startswith("HTTP/1") and "host" not in request.headers
    return Request(
        host=host,
        port=port,
        method=octets(request.method),
        scheme=octets(request.scheme),
        authority=octets(request.authority) if pseudo else b"",
        path=octets(request.target),
        http_version=octets(request.http_version),
        headers=_flow_headers(request.headers),
        content=read(request.body) if request.not_kept is None else None,
        trailers=_flow_headers(request.trailers) if request.trailers else None,
        timestamp_start=timing.started,
        timestamp_end=timing.sent,
    )


def _flow_response(response: RecordedResponse, timing: Timing, state: State) -> Response:
    began = timing.answering or timing.answered or timing.sent or timing.started  # mitmproxy demands one
    return Response(
        http_version=octets(response.http_version),
        status_code=response.status,
        reason=octets(response.reason),
        headers=_flow_headers(response.headers),
        content=None if state is State.UNSTORED and not response.body.size else read(response.body),
        trailers=_flow_headers(response.trailers) if response.trailers else None,
        timestamp_start=began,
        timestamp_end=timing.answered,
    )


def _flow_message(message: Message) -> WebSocketMessage:
    kind = Opcode.TEXT if message.is_text else Opcode.BINARY
    return WebSocketMessage(kind, message.from_client, message.content, message.at)


def _flow_headers(headers: Headers) -> FlowHeaders:
    return FlowHeaders((octets(name), octets(value)) for name, value in headers)
