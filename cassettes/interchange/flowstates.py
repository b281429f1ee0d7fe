"""Exchanges from what mitmproxy keeps of a flow: a dict of octets, texts and numbers (`Flow.get_state`).

No flows are made of it on the way: that would take mitmproxy ten times as long as reading the file.
Facts: mitmproxy/flow.py, http.py and websocket.py (what the members are), version.py and io/compat.py (older files).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mitmproxy.io import compat, tnetstring
from mitmproxy.version import FLOW_FORMAT_VERSION
from wsproto.frame_protocol import Opcode

from peertape.cassettes import headers
from peertape.cassettes.bodies import EMPTY, BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange import extras, netstrings
from peertape.cassettes.interchange.framing import has_no_body, without_ours
from peertape.cassettes.model import Closing, Exchange, Message, RecordedRequest, RecordedResponse, State, Timing

METADATA = "peertape"  # the member of a flow's metadata that holds the extras
DEFAULT_PORTS = {"http": 80, "https": 443}
_UNREAD = frozenset(  # members that no exchange is made of
    ("client_conn", "server_conn", "backup", "timestamp_created", "comment", "marked", "is_replay", "intercepted", "id")
)
_RAW = frozenset({"headers", "trailers"})  # of which most are known from other flows
_KINDS = frozenset({"http", "tcp", "udp", "dns"})

type FlowState = Mapping[str, Any]


def state_of(data: bytes) -> FlowState:
    """What a flow file holds of one flow, an older mitmproxy's brought up to date; ValueError if it is none."""
    state = netstrings.parsed(data, left_out=_UNREAD, kept=_RAW)
    if state["version"] == FLOW_FORMAT_VERSION:
        return state
    older: Any = tnetstring.parse(ord("}"), memoryview(data))
    return {_name(member): value for member, value in compat.migrate_flow(older).items()}


def kind_of(state: FlowState) -> str:
    """`http`, `tcp`, `udp` or `dns`."""
    kind = state["type"]
    if kind not in _KINDS:
        raise ValueError(f"unknown type of flow {kind!r}")
    return str(kind)


def exchange_of_state(state: FlowState) -> Exchange:
    """The exchange that an HTTP flow recorded."""
    plain = plain_exchange(state)
    own = state["metadata"].get(METADATA)
    return without_ours(extras.applied(plain, own) if isinstance(own, dict) else plain)


def plain_exchange(state: FlowState) -> Exchange:
    """What mitmproxy's own members say."""
    request, response, websocket, error = (state[name] for name in ("request", "response", "websocket", "error"))
    sent = _headers(request["headers"])
    return Exchange(
        request=RecordedRequest(
            method=_text(request["method"]),
            target=_text(request["path"]),
            scheme=_text(request["scheme"]),
            authority=_authority(request, sent),
            http_version=_text(request["http_version"]),
            headers=sent,
            body=_body(request["content"]),
            trailers=_headers(request["trailers"]),
        ),
        response=None
        if response is None
        else RecordedResponse(
            status=_whole(response["status_code"]),
            reason=_text(response["reason"]),
            http_version=_text(response["http_version"]),
            headers=_headers(response["headers"]),
            body=_body(response["content"]),
            trailers=_headers(response["trailers"]),
        ),
        timing=Timing(
            started=float(request["timestamp_start"]),
            sent=_moment(request["timestamp_end"]),
            answering=None if response is None else _moment(response["timestamp_start"]),
            answered=None if response is None else _moment(response["timestamp_end"]),
        ),
        state=_state(state),
        error=str(error["msg"]) if error else None,
        messages=() if websocket is None else _messages(websocket),
        closing=None if websocket is None else _closing(websocket),
    )


def _state(state: FlowState) -> State:
    response = state["response"]
    if response is None:
        return State.FAILED
    if state["websocket"] is not None:
        return State.COMPLETE  # however it was closed, the messages are what there was
    if state["error"]:
        return State.CUT
    if has_no_body(_text(state["request"]["method"]), response["status_code"]):
        return State.COMPLETE
    # A body that is shorter than its Content-Length without an error was shortened in the file, not on the way.
    return State.CUT if response["content"] is None else State.COMPLETE


def _messages(websocket: FlowState) -> tuple[Message, ...]:
    return tuple(
        Message(float(at), bool(from_client), _whole(kind) == Opcode.TEXT, bytes(content))
        for kind, from_client, content, at, dropped, *_ in websocket["messages"]
        if not dropped  # the other side never saw it
    )


def _closing(websocket: FlowState) -> Closing | None:
    ended, code = websocket["timestamp_end"], websocket["close_code"]
    if ended is None or code is None:
        return None
    return Closing(float(ended), bool(websocket["closed_by_client"]), _whole(code), websocket["close_reason"] or "")


def _authority(request: FlowState, sent: Headers) -> str:
    if (told := sent.get("host") or _text(request["authority"])) != "":
        return told
    host, port = str(request["host"]), _whole(request["port"])
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if DEFAULT_PORTS.get(_text(request["scheme"])) == port else f"{bracketed}:{port}"


def _headers(fields: Any) -> Headers:
    if fields is None:
        return headers.NONE
    if isinstance(fields, bytes):
        return _fields(fields)
    return Headers(tuple([(_text(name), _text(value)) for name, value in fields]))


@lru_cache(maxsize=512)  # a client sends the same ones again and again
def _fields(octets: bytes) -> Headers:
    return Headers(tuple([_field(field) for field in netstrings.items(octets)]))


@lru_cache(maxsize=8192)
def _field(octets: bytes) -> tuple[str, str]:
    name, value = netstrings.items(octets)
    return _text(name), _text(value)


def _body(content: Any) -> BytesBody:
    if content is not None and not isinstance(content, bytes):
        raise TypeError(f"a body is {type(content).__name__}")
    return BytesBody(content) if content else EMPTY


def _moment(seconds: Any) -> float | None:
    return None if seconds is None else float(seconds)


def _whole(number: Any) -> int:
    if not isinstance(number, int):
        raise TypeError(f"{number!r} is no whole number")
    return number


def _name(member: str | bytes) -> str:
    return member.decode() if isinstance(member, bytes) else member


def _text(data: Any) -> str:
    if not isinstance(data, bytes):
        raise TypeError(f"{data!r} should be octets")
    return data.decode("latin-1")
