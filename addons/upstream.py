"""The way to the instance: its own Host, and nothing of peertape's headers in either direction."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from mitmproxy import http

from peertape.addons.convert import CLIENT_HOST, as_sent, is_answered, is_control, is_reverse
from peertape.proxy.engine.links import with_query_to


class Upstream:
    """Loaded first where there is an instance. In reverse mode the app names peertape as the host."""

    def __init__(self, url: str, origin: Callable[[], str | None] = lambda: None) -> None:
        """`origin` gives the instance's public origin: links that were rewritten on the way out are turned back."""
        self._authority = urlsplit(url).netloc
        self._origin = origin

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if is_reverse(flow) and not is_control(flow):
            flow.metadata[CLIENT_HOST] = as_sent(flow.request.host_header)
            if (origin := self._origin()) and flow.request.host_header:
                scheme = "https" if flow.client_conn.tls else "http"
                client = f"{scheme}://{flow.request.host_header}"
                target = flow.request.data.path.decode("latin-1")
                flow.request.data.path = with_query_to(target, client, origin).encode("latin-1")
            flow.request.host_header = self._authority

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and not is_answered(flow):
            drop_own(flow.response.headers)


def drop_own(headers: http.Headers) -> None:
    """Headers of a peertape that answers as the instance are not the instance's."""
    for name in {name for name in headers if name.lower().startswith("peertape-")}:
        del headers[name]


def client_host(flow: http.HTTPFlow) -> str:
    """The Host that the app named."""
    known = flow.metadata.get(CLIENT_HOST)
    return known if isinstance(known, str) else as_sent(flow.request.host_header)
