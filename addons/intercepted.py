"""Into which connections the forward proxy looks: those to the upstream, to the hosts that it named in its answers, and
to those that the user named. Everything else passes untouched; in a replay there is nothing else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence

from mitmproxy import ctx, http

from peertape.addons.convert import BY_ALIAS, is_reverse
from peertape.cassettes.headers import Headers
from peertape.cassettes.recording import Recording
from peertape.proxy.engine.model import Answer, Request, Source

Note = Callable[[Request, Answer], None]


def expressions(hosts: Iterable[str]) -> Sequence[str]:
    """As mitmproxy's option `allow_hosts` wants them."""
    return [rf"^{re.escape(host)}:\d+$" for host in sorted(hosts)]


class Intercepted:
    """Grows while recording: an app asks for a file's host right after it was told of it."""

    def __init__(self, hosts: Iterable[str], recording: Recording) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._recording = recording

    def __contains__(self, host: str) -> bool:
        return host.lower() in self._hosts

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        await self._learn_of(flow.request.host)

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        if not is_reverse(flow):
            await self._learn_of(flow.request.pretty_host)

    async def _learn_of(self, host: str) -> None:
        """What the recording thread has not looked at yet may name the host."""
        if host in self:
            return
        await asyncio.wrap_future(self._recording.drained())
        if new := self._recording.named_hosts - self._hosts:
            self._hosts |= new
            ctx.options.update(allow_hosts=[*ctx.options.allow_hosts, *expressions(new)])


class Refusal:
    """A replay through the forward proxy: connections to hosts that were not recorded are refused at once.

    `aliases` are other names by which the app calls the recorded instance. Behind a bare address any host may be: the
    request tells which. `note` is told of what was refused.
    """

    def __init__(self, hosts: Iterable[str], aliases: Iterable[str], note: Note) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._aliases = frozenset(host.lower() for host in aliases)
        self._note = note

    def http_connect(self, flow: http.HTTPFlow) -> None:
        host = flow.request.host.lower()
        if host in self._hosts or host in self._aliases or _is_address(host):
            return
        text = (
            f"peertape replays offline, and nothing of {host} was recorded. "
            f"--alias {host} lets it stand for the recorded instance.\n"
        )
        flow.response = http.Response.make(502, text, {"Content-Type": "text/plain; charset=utf-8"})
        flow.response.reason = "Not recorded by peertape"  # clients show this, and not the text
        request = Request("CONNECT", f"{host}:{flow.request.port}", Headers.from_bytes(flow.request.headers.fields))
        self._note(request, Answer(502, Headers(), source=Source.MISS))

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if not is_reverse(flow) and flow.request.pretty_host.lower() in self._aliases:
            flow.metadata[BY_ALIAS] = True


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
