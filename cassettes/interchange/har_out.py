"""One exchange as a HAR 1.2 entry: bodies decoded as HAR wants them, with all that HAR cannot say in `_peertape`."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from peertape.cassettes.bodies import read
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange import extras
from peertape.cassettes.interchange.framing import declared_length, in_memory, octets, without_ours
from peertape.cassettes.interchange.har_body import charset_of
from peertape.cassettes.interchange.har_in import OWN, NotAnExchange, exchange_of
from peertape.cassettes.model import Exchange, Message, RecordedRequest, RecordedResponse, State, Timing

_ERRORS = {
    State.FAILED: "no response was recorded",
    State.CUT: "cut while recording",
    State.OPEN: "cut while recording",
}
_UNKNOWN = -1  # HAR's word for what is not known


LARGEST_DECODED = 256 * 1024 * 1024  # octets; a HAR entry is held in memory


def entry_of(exchange: Exchange) -> dict[str, Any]:
    exchange = without_ours(in_memory(exchange))
    timings = _timings(exchange.timing)
    entry: dict[str, Any] = {
        "startedDateTime": datetime.fromtimestamp(exchange.timing.started, UTC).isoformat(timespec="microseconds"),
        "time": sum(value for value in timings.values() if value > 0),
        "request": _request(exchange.request),
        "response": _response(exchange.response, exchange.state),
        "cache": {},
        "timings": timings,
    }
    error = exchange.error or _ERRORS.get(exchange.state)
    if error is not None:
        entry["response"]["_error"] = error
    if exchange.id:
        entry["comment"] = f"peertape exchange {exchange.id}"
    if exchange.messages:
        entry["_resourceType"] = "websocket"
        entry["_webSocketMessages"] = [_message(message) for message in exchange.messages]
    with suppress(NotAnExchange):  # a CONNECT, which is left out when the file is read
        if lost := extras.differences(exchange, exchange_of(entry)):
            entry[OWN] = lost
    return entry


def _request(request: RecordedRequest) -> dict[str, Any]:
    target = _text(request.target) if request.target.startswith("/") else "/"
    told: dict[str, Any] = {
        "method": _text(request.method),
        "url": f"{request.scheme}://{_text(request.authority)}{target}",
        "httpVersion": request.http_version,
        "cookies": _cookies(request.headers.get_all("cookie"), ";"),
        "headers": _headers(request.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(target.partition("?")[2], keep_blank_values=True)
        ],
        "headersSize": _UNKNOWN,
        "bodySize": request.body.size if request.not_kept is None else request.not_kept.size,
    }
    if (lacking := request.not_kept) is not None:
        comment = f"not kept: {lacking.size} octets, sha-256 {lacking.sha256.hex()}"
        told["postData"] = {
            "mimeType": _text(request.headers.get("content-type") or ""),
            "text": "",
            "comment": comment,
        }
    if request.body.size:
        text, kind = _body(read(request.body), request.headers)
        told["postData"] = {"mimeType": _text(request.headers.get("content-type") or ""), "text": text, **kind}
    return told


def _response(response: RecordedResponse | None, state: State) -> dict[str, Any]:
    if response is None:
        nothing = RecordedResponse(0, "", "", Headers())
        return {**_response(nothing, state), "content": {"size": 0, "mimeType": "x-unknown"}}
    content: dict[str, Any] = {
        "size": _UNKNOWN,
        "mimeType": _text(response.headers.get("content-type") or "x-unknown"),
    }
    if state is not State.UNSTORED or response.body.size:
        data = _decoded(read(response.body), response.headers)
        text, kind = _body(data, response.headers)
        content |= {"size": len(data), "compression": len(data) - response.body.size, "text": text, **kind}
    elif declared := declared_length(response.headers):
        content["size"] = declared
    return {
        "status": response.status,
        "statusText": _text(response.reason),
        "httpVersion": response.http_version,
        "cookies": _cookies(response.headers.get_all("set-cookie"), None),
        "headers": _headers(response.headers),
        "content": content,
        "redirectURL": _text(response.headers.get("location") or ""),
        "headersSize": _UNKNOWN,
        "bodySize": response.body.size if "text" in content else _UNKNOWN,
    }


def _decoded(data: bytes, headers: Headers) -> bytes:
    """Without its content coding, as other programs expect it; as it is if that cannot be undone."""
    try:
        undone = decode(data, codings_of(headers), LARGEST_DECODED)
    except TooBigError:
        return data
    return undone.octets if undone is not None and undone.whole else data


def _body(data: bytes, headers: Headers) -> tuple[str, dict[str, str]]:
    charset = charset_of(headers) or "utf-8"
    try:
        text = data.decode(charset)
        if text.encode(charset) == data:
            return text, {}
    except UnicodeError:
        pass
    return b64encode(data).decode(), {"encoding": "base64"}


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": _text(name), "value": _text(value)} for name, value in headers]


def _cookies(values: tuple[str, ...], separator: str | None) -> list[dict[str, str]]:
    """Names and values only; the headers have all of it."""
    pairs = [pair for value in values for pair in (value.split(separator) if separator else [value.partition(";")[0]])]
    split = [pair.strip().partition("=") for pair in pairs]
    return [{"name": _text(name), "value": _text(value)} for name, _, value in split]


def _timings(timing: Timing) -> dict[str, float]:
    sent = timing.started if timing.sent is None else timing.sent
    answering = sent if timing.answering is None else timing.answering
    return {
        "send": max(sent - timing.started, 0) * 1000,
        "wait": _UNKNOWN if timing.answering is None else max(answering - sent, 0) * 1000,
        "receive": _UNKNOWN if timing.answered is None else max(timing.answered - answering, 0) * 1000,
    }


def _message(message: Message) -> dict[str, Any]:
    content = message.content
    return {
        "type": "send" if message.from_client else "receive",
        "time": message.at,
        "opcode": 1 if message.is_text else 2,
        "data": content.decode("utf-8", "replace") if message.is_text else b64encode(content).decode(),
    }


def _text(wire: str) -> str:
    """Wire text as Unicode where its octets are UTF-8, else as latin-1 (the extras then have it exactly)."""
    try:
        return octets(wire).decode("utf-8")
    except UnicodeDecodeError:
        return wire
