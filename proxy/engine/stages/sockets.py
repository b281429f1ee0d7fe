"""Sockets: engine.io with socket.io above it, and WebSockets. Stands before what is recorded, and plays it itself."""

from __future__ import annotations

from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.handshakes import ENGINE_IO, is_upgrade
from peertape.proxy.engine.sockets.server import EngineIoServer
from peertape.proxy.engine.sockets.sources import Sources
from peertape.proxy.engine.sockets.upgrades import Upgrades
from peertape.proxy.engine.stages.parsing import unsettled


class SocketsStage:
    def __init__(self, sources: Sources) -> None:
        self._engine_io = EngineIoServer(sources)
        self._upgrades = Upgrades(sources)

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        if request.path == ENGINE_IO and request.method != "HEAD":
            return self._engine_io.answer(request, session, unsettled(rest))
        if is_upgrade(request):
            return self._upgrades.answer(request, session, unsettled(rest))
        return rest(request)


class ForeignSocketsStage:
    """WebSockets of other hosts: those of trackers, as they were recorded. `sources` emulate nothing."""

    def __init__(self, sources: Sources) -> None:
        self._upgrades = Upgrades(sources)

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        return self._upgrades.answer(request, session, unsettled(rest)) if is_upgrade(request) else rest(request)
