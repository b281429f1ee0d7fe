"""One HAR entry as an exchange.

HAR keeps bodies decoded (content codings undone, text in Unicode) beside the headers as they were, so that headers
are corrected where they would contradict the body. Where the writers differ, after their sources:

- Chrome (devtools-frontend, front_end/models/har/): status 0 without a response, `_error` also beside one,
  `_webSocketMessages`, base64 for what is no clean text, no `content.text` for what left its cache;
- Playwright (harTracer.ts): status -1 without a response, `_failureText`, `_file` for a body in a file beside,
  size -1 and no text for what it could not get, redirects among it;
- Firefox (netmonitor har-builder.js): no text and a comment where bodies are left out, texts over 1 MB shortened;
- mitmproxy (addons/savehar.py): `_error`, surrogate escapes for octets that are no text, CONNECT as an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange import extras
from peertape.cassettes.interchange.framing import declared_length, has_no_body, is_short, without_ours
from peertape.cassettes.interchange.har_body import body_of, octets_of, posted
from peertape.cassettes.interchange.report import ImportReport
from peertape.cassettes.model import Exchange, Message, RecordedRequest, RecordedResponse, State, Timing

LARGEST_STATUS = 999  # RFC 9110, section 15: three digits
OWN = "_peertape"  # the member of an entry that holds the extras
_FIELD = itemgetter("name", "value")
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_OPCODES = {1: True, 2: False}  # RFC 6455 section 11.8: text, binary; Chrome lists pings and errors too


class NotAnExchange(Exception):
    """An entry without HTTP: `data:` and `blob:` addresses, a CONNECT."""


def exchange_of(entry: dict[str, Any], beside: Path | None = None, report: ImportReport | None = None) -> Exchange:
    """The exchange of an entry; NotAnExchange if there is none, another error if the entry is damaged."""
    request, bodiless = _request(entry["request"], beside)
    if bodiless and report:
        report.without_request_body += 1
    outcome = _outcome(entry.get("response") or {}, request.method, beside)
    plain = Exchange(
        request=request,
        response=outcome.response,
        timing=_timing(entry, outcome.response is not None),
        state=outcome.state,
        error=outcome.error,
        messages=_messages(entry),
    )
    own = entry.get(OWN)
    return without_ours(extras.applied(plain, own) if isinstance(own, dict) else plain)


def _request(told: dict[str, Any], beside: Path | None) -> tuple[RecordedRequest, bool]:
    method = _wire(told["method"])
    if method.upper() == "CONNECT":
        raise NotAnExchange("connect")
    scheme, authority, target = _address(told["url"])
    headers, pseudo = _headers(told.get("headers"))
    data = posted(told, headers, beside)
    return RecordedRequest(
        method=method,
        target=target,
        scheme=scheme,
        authority=headers.get("host") or pseudo.get(":authority") or authority,
        http_version=_http_version(told.get("httpVersion")),
        headers=headers if data is None else _agreeing(headers, data),
        body=BytesBody(data or b""),
    ), data is None


@dataclass(frozen=True, slots=True)
class _Outcome:
    response: RecordedResponse | None
    state: State
    error: str | None


def _outcome(told: dict[str, Any], method: str, beside: Path | None) -> _Outcome:
    status = int(told.get("status") or 0)
    if status > LARGEST_STATUS:
        raise ValueError(f"{status} is no status of HTTP")
    error = told.get("_error") or told.get("_failureText") or None
    if status <= 0:
        return _Outcome(None, State.FAILED, error)
    headers, _ = _headers(told.get("headers"))
    data = body_of(told.get("content") or {}, headers, beside)
    state = State.CUT if error else State.COMPLETE
    if has_no_body(method, status):
        data = b""  # Chrome shows its cached copy with a 304
    elif data is None and headers.get("location") is not None and 300 <= status < 400:
        data = b""  # no browser shows the body of a redirect, so that no app can miss it
        headers = _agreeing(headers, data)
    elif data is None:
        data, state = b"", State.CUT if error else State.UNSTORED
    elif is_short(headers, len(data)) and "content-encoding" not in headers:
        state = State.CUT
    elif state is State.COMPLETE:
        headers = _agreeing(headers, data)
    response = RecordedResponse(
        status=status,
        reason=_wire(told.get("statusText") or ""),
        http_version=_http_version(told.get("httpVersion")),
        headers=headers,
        body=BytesBody(data),
    )
    return _Outcome(response, state, error)


def _agreeing(headers: Headers, data: bytes) -> Headers:
    """The headers as they must be for this body, which is decoded unless its length is the one declared."""
    if declared_length(headers) == len(data) or not ("content-length" in headers or "content-encoding" in headers):
        return headers
    decoded = headers.without("content-encoding")
    return decoded.mapped(lambda name, value: str(len(data)) if name == "content-length" else value)


def _address(url: str) -> tuple[str, str, str]:
    """Scheme, authority and target, as spelled; urllib would tidy them."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        raise NotAnExchange(url.partition(":")[0].lower())
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    target = rest[end:].partition("#")[0]
    authority = rest[:end].rpartition("@")[2]
    return _SCHEMES[scheme.lower()], _wire(authority), _wire(target if target.startswith("/") else f"/{target}")


def _headers(told: list[dict[str, str]] | None) -> tuple[Headers, Mapping[str, str]]:
    """The headers, and the pseudo headers of HTTP/2 apart."""
    return _apart(tuple(map(_FIELD, told or ())))


@lru_cache(maxsize=512)  # a client sends the same ones again and again
def _apart(told: tuple[tuple[str, str], ...]) -> tuple[Headers, Mapping[str, str]]:
    pairs = [pair for name, value in told for pair in _fields(name, value)]
    pseudo = {name: value for name, value in pairs if name[:1] == ":"}
    return Headers.of([pair for pair in pairs if pair[0] not in pseudo] if pseudo else pairs), pseudo


@lru_cache(maxsize=8192)  # those that are one object go once to the process that writes
def _fields(name: str, value: str) -> tuple[tuple[str, str], ...]:
    """Browsers join repeated ones with line ends."""
    return tuple((_wire(name), line) for line in _wire(value).split("\n"))


@lru_cache(maxsize=64)
def _http_version(told: str | None) -> str:
    """As mitmproxy spells it; browsers give the ALPN name or leave it out."""
    name = (told or "").lower()
    if name in ("h2", "h2c", "http/2", "http/2.0"):
        return "HTTP/2.0"
    if name.startswith(("h3", "http/3")) or "quic" in name:
        return "HTTP/3"
    return "HTTP/1.0" if name == "http/1.0" else "HTTP/1.1"


def _timing(entry: dict[str, Any], answered: bool) -> Timing:
    moment = datetime.fromisoformat(entry["startedDateTime"])
    started = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    told = {**(entry.get("timings") or {}), "time": entry.get("time")}
    lasted = {name: ms / 1000 for name, ms in told.items() if isinstance(ms, (int, float)) and ms >= 0}
    send, wait, receive = lasted.get("send"), lasted.get("wait"), lasted.get("receive")
    begun = started + sum(lasted.get(name, 0) for name in ("blocked", "dns", "connect"))  # ssl is a part of connect
    sent = None if send is None else begun + send
    if not answered:
        return Timing(started, sent)
    answering = None if wait is None else (sent or begun) + wait
    if answering is not None and receive is not None:
        return Timing(started, sent, answering, answering + receive)
    whole = lasted.get("time")
    return Timing(started, sent, answering, None if whole is None else started + whole)


def _messages(entry: dict[str, Any]) -> tuple[Message, ...]:
    return tuple(
        Message(
            at=float(told["time"]),
            from_client=told["type"] == "send",
            is_text=_OPCODES[told["opcode"]],
            content=octets_of(told["data"], is_base64=not _OPCODES[told["opcode"]]),
        )
        for told in entry.get("_webSocketMessages") or ()
        if told["opcode"] in _OPCODES and told["type"] in ("send", "receive")
    )


def _wire(text: str) -> str:
    """Text of a HAR as wire text: its UTF-8 octets, each as a character."""
    return text if text.isascii() else octets_of(text).decode("latin-1")
