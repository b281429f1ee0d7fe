"""Into which connections the forward proxy looks: those to the upstream, to the hosts that it named in its answers, and
to those that the user named. Everything else passes untouched; in a replay there is nothing else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence

from mitmproxy import ctx, http

from peertape.addons.convert import is_reverse
from peertape.cassettes.recording import Recording


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
        await asyncio.wrap_future(self._recording.settled())
        if new := self._recording.named_hosts - self._hosts:
            self._hosts |= new
            ctx.options.update(allow_hosts=[*ctx.options.allow_hosts, *expressions(new)])


class Refusal:
    """A replay through the forward proxy: connections to hosts that were not recorded are refused at once."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        if flow.request.host.lower() not in self._hosts:
            text = f"peertape replays offline, and nothing of {flow.request.host} was recorded.\n"
            flow.response = http.Response.make(502, text, {"Content-Type": "text/plain; charset=utf-8"})
