"""What HTTP says about the size of a body (RFC 9110 sections 6.4.1 and 8.6, RFC 9112 section 6.3)."""

from __future__ import annotations

from dataclasses import replace

from peertape.cassettes import bodies
from peertape.cassettes.bodies import Body, BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange


def has_no_body(method: str, status: int) -> bool:
    """Whether such a response never carries a body, whatever its Content-Length says."""
    return method.upper() == "HEAD" or 100 <= status < 200 or status in (204, 304)


def declared_length(headers: Headers) -> int | None:
    """What Content-Length promises, where it counts."""
    declared = headers.get("content-length")
    if declared is None or "transfer-encoding" in headers:
        return None
    text = declared.strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def is_short(headers: Headers, size: int) -> bool:
    """Whether fewer octets came than were promised."""
    length = declared_length(headers)
    return length is not None and size < length


def octets(text: str) -> bytes:
    """Wire text is latin-1; what is not, was never on a wire and becomes UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def without_ours(exchange: Exchange) -> Exchange:
    """Without the Peertape-* headers that another peertape put there: they are no part of the instance."""
    request, response = exchange.request, exchange.response
    if _has_ours(request.headers):
        request = replace(request, headers=_theirs(request.headers))
    if response is not None and _has_ours(response.headers):
        response = replace(response, headers=_theirs(response.headers))
    unchanged = request is exchange.request and response is exchange.response
    return exchange if unchanged else replace(exchange, request=request, response=response)


def in_memory(exchange: Exchange) -> Exchange:
    """With its bodies read: the formats of others hold them whole."""
    request = replace(exchange.request, body=_whole(exchange.request.body))
    response = exchange.response and replace(exchange.response, body=_whole(exchange.response.body))
    return replace(exchange, request=request, response=response)


def _has_ours(headers: Headers) -> bool:
    return bool([name for name, _ in headers.pairs if name[:1] in "pP" and name.lower().startswith("peertape-")])


def _theirs(headers: Headers) -> Headers:
    return headers.only(lambda name: not name.startswith("peertape-"))


def _whole(body: Body) -> BytesBody:
    return body if isinstance(body, BytesBody) else BytesBody(bodies.read(body))
