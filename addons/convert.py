"""Between mitmproxy's flows and the engine's words."""

from __future__ import annotations

from dataclasses import replace

from mitmproxy import http

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.intake import Intake
from peertape.proxy.engine.model import Answer, Request

HOP_BY_HOP = ("connection", "keep-alive", "proxy-connection")
HTTP_1 = b"HTTP/1.1"
CONTROL = b"/__peertape__"
ANSWERED = "peertape-answered"  # keys of a flow's metadata
ASKED = "peertape-asked"
AWAY = "peertape-away"  # why the instance did not answer
SCHEME = "peertape-scheme"  # of a flow that is handed over, see `handoff`
CLIENT_HOST = "peertape-client-host"
REACHED = "peertape-reached"  # our origin as the client named it, of what goes to another host; see `elsewhere`
SESSION = "peertape-session"  # which it named by a header
BY_ALIAS = "peertape-by-alias"  # the host that the app names through the forward proxy stands for the instance
HEADERS = "peertape-headers"  # as they came, where the body was diverted
LARGEST_INLINE = 1024 * 1024  # octets of an answer that mitmproxy may hold in memory


def request_of(flow: http.HTTPFlow, intake: Intake | None = None) -> Request:
    """The request as the engine takes it; `intake` took in the body of one that was streamed."""
    request = flow.request
    headers = flow.metadata.get(HEADERS) or Headers.from_bytes(request.headers.fields)
    reached = flow.metadata.get(REACHED)
    if reached is not None:
        headers = headers.added("Peertape-Session", session) if (session := flow.metadata.get(SESSION)) else headers
    elif known := flow.metadata.get(CLIENT_HOST):
        headers = headers.replaced("Host", known)
    elif "host" not in headers and request.authority:
        headers = Headers((("host", request.authority), *headers.pairs))
    address = flow.client_conn.peername
    return Request(
        request.data.method.decode("latin-1"),
        request.data.path.decode("latin-1"),
        headers,
        (request.raw_content if intake is None else intake.body) or b"",
        None if intake is None else intake.digest,
        client_scheme(flow) if reached is None else flow.metadata.get(SCHEME, request.scheme),
        str(address[0]) if address else "",
        origin_form=is_reverse(flow) and reached is None,
        reached=reached,
        port=flow.client_conn.sockname[1] if flow.client_conn.sockname else None,
        by_alias=flow.metadata.get(BY_ALIAS) is True,
        passed=None if intake is None else intake.passed,
    )


def client_scheme(flow: http.HTTPFlow) -> str:
    """By which the client reached us."""
    return "https" if flow.client_conn.tls else "http"


def head_as_request(flow: http.HTTPFlow) -> Request:
    """The request, where nobody looks at its body."""
    return replace(request_of(flow), body=b"", body_digest=b"")


def as_sent(text: str | None) -> str:
    """What mitmproxy read as UTF-8, octet by octet, as all text of the wire is kept."""
    return (text or "").encode("utf-8", "surrogateescape").decode("latin-1")


def is_reverse(flow: http.HTTPFlow) -> bool:
    """Whether the client named peertape itself as the server; not so through a forward proxy."""
    return flow.client_conn.proxy_mode.type_name == "reverse"


def is_elsewhere(flow: http.HTTPFlow) -> bool:
    """Whether it came by the reserved path, and goes to another host."""
    return REACHED in flow.metadata


def is_control(flow: http.HTTPFlow) -> bool:
    """Whether the request is for peertape itself."""
    path = flow.request.data.path.partition(b"?")[0]
    return is_reverse(flow) and not is_elsewhere(flow) and (path == CONTROL or path.startswith(CONTROL + b"/"))


def is_answered(flow: http.HTTPFlow) -> bool:
    """Whether peertape answers it, and not the instance."""
    return flow.metadata.get(ANSWERED) is True


def note_asked(flow: http.HTTPFlow) -> None:
    flow.metadata[ASKED] = True


def is_asked(flow: http.HTTPFlow) -> bool:
    """Whether the relay asks the instance, so that nobody else need answer."""
    return flow.metadata.get(ASKED) is True


def headers_of(answer: Answer) -> Headers:
    """As they are sent over HTTP/1."""
    return answer.headers.without(*HOP_BY_HOP)


def head_of(answer: Answer, flow: http.HTTPFlow) -> http.Response:
    """The answer's head as a response without a body."""
    headers = headers_of(answer)
    if flow.request.is_http2 or flow.request.is_http3:
        headers = headers.without("transfer-encoding").lower()
    return http.Response(
        http_version=(flow.request.data.http_version if flow.request.is_http2 or flow.request.is_http3 else HTTP_1),
        status_code=answer.status,
        reason=answer.reason.encode("latin-1"),
        headers=http.Headers(headers.to_bytes()),
        content=None,
        trailers=http.Headers(answer.trailers.to_bytes()) if answer.trailers.pairs else None,
        timestamp_start=flow.request.timestamp_end or flow.request.timestamp_start,
        timestamp_end=None,
    )


def response_of(answer: Answer, flow: http.HTTPFlow) -> http.Response:
    """The whole response: for answers that are small."""
    response = head_of(answer, flow)
    response.data.content = read(answer.body)
    return response
