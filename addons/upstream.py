"""The way to the instance: its own Host, and nothing of peertape's headers in either direction."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from mitmproxy import http

from peertape.addons.convert import (
    CLIENT_HOST,
    as_sent,
    client_scheme,
    is_answered,
    is_control,
    is_elsewhere,
    is_reverse,
)
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.inlinks import body_inward, query_inward


class Upstream:
    """Loaded first where there is an instance. In reverse mode the app names peertape as the host."""

    def __init__(self, url: str, origin: Callable[[], str | None] = lambda: None) -> None:
        """`origin` gives the instance's public origin: links that were rewritten on the way out are turned back."""
        self._authority = urlsplit(url).netloc
        self._origin = origin

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if is_reverse(flow) and not is_control(flow) and not is_elsewhere(flow):
            flow.metadata[CLIENT_HOST] = as_sent(flow.request.host_header)
            if (origin := self._origin()) and flow.request.host_header:
                target = flow.request.data.path.decode("latin-1")
                flow.request.data.path = query_inward(target, _client(flow), origin).encode("latin-1")
            flow.request.host_header = self._authority

    def request(self, flow: http.HTTPFlow) -> None:
        """A body that is whole; see `may_hand_back`."""
        request = flow.request
        origin, body = self._origin(), request.raw_content
        if origin is None or not body or CLIENT_HOST not in flow.metadata or is_elsewhere(flow) or is_answered(flow):
            return
        turned = body_inward(Headers.from_bytes(request.headers.fields), body, _client(flow), origin)
        if turned is not body:
            request.raw_content = turned
            if "content-length" in request.headers:
                request.headers["content-length"] = str(len(turned))

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and not is_answered(flow):
            drop_own(flow.response.headers)


def drop_own(headers: http.Headers) -> None:
    """Headers of a peertape that answers as the instance are not the instance's."""
    for name in {name for name in headers if name.lower().startswith("peertape-")}:
        del headers[name]


def _client(flow: http.HTTPFlow) -> str:
    return f"{client_scheme(flow)}://{client_host(flow)}"


def client_host(flow: http.HTTPFlow) -> str:
    """The Host that the app named."""
    known = flow.metadata.get(CLIENT_HOST)
    return known if isinstance(known, str) else as_sent(flow.request.host_header)
