"""Faults on the way to an instance: decided before anything of the request reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from weakref import WeakSet

from mitmproxy import http

from peertape.addons.convert import is_control
from peertape.addons.replayer import Replayer, comes_streamed, divert
from peertape.proxy.engine.model import Source


class FaultGate:
    """Loaded first. `replayer` asks an engine that answers what is struck, and passes on all the rest."""

    def __init__(self, replayer: Replayer) -> None:
        self._replayer = replayer
        self._decided: WeakSet[http.HTTPFlow] = WeakSet()

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A big body does not wait until it is whole: it would stream to the instance."""
        if comes_streamed(flow.request) and not is_control(flow):
            await self._decide(flow)

    async def request(self, flow: http.HTTPFlow) -> None:
        if flow not in self._decided and not is_control(flow) and flow.response is None:
            await self._decide(flow)

    async def _decide(self, flow: http.HTTPFlow) -> None:
        self._decided.add(flow)
        answer = self._replayer.ask(flow)
        await asyncio.sleep(answer.delay)
        if answer.source is Source.LIVE:
            return
        if flow.request.raw_content is None:  # it is still to come
            divert(flow, _swallow)
        self._replayer.send(flow, answer)


def _swallow(_: bytes) -> Iterable[bytes]:
    return ()
