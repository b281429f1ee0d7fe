"""What is said in a session of socket.io: namespaces that a client joins, each played from what was recorded in it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from peertape.config.sockets import SocketFacts
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.model import Close, Content
from peertape.proxy.engine.sockets.packets import Decoder, Kind, Packet, PacketError
from peertape.proxy.engine.sockets.performance import Cue, Performance
from peertape.proxy.engine.sockets.recordings import Said

SOON = 45.0  # seconds within which a client is to join a namespace


@dataclass(frozen=True, slots=True)
class Joining:
    """How a client is let into a namespace, or kept out: from recordings, or by an answer of the rules."""

    performance: Performance[Said] | None
    answer: Packet | None = None
    translate: Callable[[str], str] = lambda text: text  # of links in what was recorded


Join = Callable[[Packet], Joining]


class SocketIo:
    """The `Talk` of one engine.io session. `join` decides what a client gets that connects to a namespace."""

    def __init__(self, session: Session, facts: SocketFacts, join: Join) -> None:
        self._session = session
        self._facts = facts
        self._join = join
        self._decoder = Decoder()
        self._joined: dict[str, Joining] = {}
        self._outgoing: list[Content | Close] = []
        self._join_until = session.clock.real() + SOON

    def received(self, content: Content) -> None:
        packet = self._decoder.feed(content)
        if packet is None:
            return
        if packet.kind is Kind.CONNECT:
            self._connect(packet)
            return
        joining = self._joined.get(packet.namespace)
        if joining is None:
            raise PacketError(f"{packet.namespace} was not joined")
        if packet.kind is Kind.DISCONNECT:
            del self._joined[packet.namespace]
        elif packet.kind is Kind.CONNECT_ERROR:
            raise PacketError("only a server refuses")
        elif joining.performance is not None:
            self._hear(joining.performance, packet)

    def take(self) -> Sequence[Content | Close]:
        for namespace, joining in list(self._joined.items()):
            if joining.performance is not None:
                for cue in joining.performance.take():
                    self._say(namespace, joining, cue)
        if not self._joined and self._session.clock.real() >= self._join_until:
            self._outgoing.append(Close())
        out, self._outgoing = self._outgoing, []
        return out

    def wait(self) -> float | None:
        clock = self._session.clock
        waits = [] if self._joined else [max(0.0, self._join_until - clock.real())]
        for joining in self._joined.values():
            due = None if joining.performance is None else joining.performance.due_next()
            seconds = None if due is None else clock.until(due)
            waits += [] if seconds is None else [seconds]
        return min(waits, default=None)

    def _connect(self, packet: Packet) -> None:
        joining = self._join(packet)
        self._joined.pop(packet.namespace, None)
        if joining.answer is None:
            self._joined[packet.namespace] = joining
            return
        self._outgoing += joining.answer.contents
        if joining.answer.kind is Kind.CONNECT:
            self._joined[packet.namespace] = joining

    def _hear(self, performance: Performance[Said], packet: Packet) -> None:
        performance.hear(packet.meaning, packet)
        value = packet.value
        if isinstance(value, list) and isinstance(value[0], str) and (name := self._facts.taken_back.get(value[0])):
            asked = replace(packet, data=json.dumps([name, *value[1:]]))
            performance.forget(asked.meaning)

    def _say(self, namespace: str, joining: Joining, cue: Cue[Said]) -> None:
        said = cue.said
        if isinstance(said, Close):
            self._outgoing.append(said)
            return
        if said.kind is Kind.CONNECT:
            said = welcome(namespace, said)
        elif said.kind in (Kind.ACK, Kind.BINARY_ACK) and isinstance(cue.asked, Packet):
            said = replace(said, number=cue.asked.number)
        if said.kind in (Kind.CONNECT_ERROR, Kind.DISCONNECT):
            self._joined.pop(namespace, None)
        self._outgoing += replace(said, data=joining.translate(said.data)).contents


def welcome(namespace: str, recorded: Packet | None = None) -> Packet:
    """The server's answer to a connect packet: with an id of this client, and what else was recorded."""
    told = recorded.value if recorded is not None else None
    members = {**(told if isinstance(told, dict) else {}), "sid": new_id()}
    members.pop("pid", None)  # for the recovery of lost connections, which is never played
    return Packet(Kind.CONNECT, namespace, data=json.dumps(members, separators=(",", ":")))


def refusal(namespace: str, message: str) -> Packet:
    data = json.dumps({"message": message}, separators=(",", ":"), ensure_ascii=False)
    return Packet(Kind.CONNECT_ERROR, namespace, data=data)


def new_id() -> str:
    """As socket.io's servers make them: 20 characters."""
    return secrets.token_urlsafe(15)
