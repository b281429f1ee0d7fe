"""The packets of engine.io (protocol 4) and of socket.io (protocol 5), as they stand in messages and in polls.

Source: the protocols' own descriptions, https://socket.io/docs/v4/engine-io-protocol and .../socket-io-protocol.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from peertape.proxy.engine.sockets.model import Content

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
PROBE = "probe"
SEPARATOR = "\x1e"
MOST_ATTACHMENTS = 10  # as socket.io's own parser allows
_PACKET = re.compile(r"([0-6])(?:(\d+)-)?(?:(/[^,]*)(?:,|\Z))?(\d+)?(.*)", re.DOTALL)


class PacketError(ValueError):
    """No packet; both ends of a socket close it then."""


def payload(packets: Iterable[Content]) -> bytes:
    """Packets as one body of a poll; binary messages in base64."""
    return SEPARATOR.join(p if isinstance(p, str) else "b" + b64encode(p).decode() for p in packets).encode()


def in_payload(body: bytes) -> list[Content]:
    """The packets in a body of a poll; raises PacketError."""
    try:
        texts = body.decode().split(SEPARATOR)
        return [b64decode(text[1:], validate=True) if text.startswith("b") else text for text in texts]
    except (UnicodeDecodeError, binascii.Error) as error:
        raise PacketError(str(error)) from error


class Kind(IntEnum):
    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of socket.io. `data` is JSON text, or empty; `number` asks for an acknowledgement, or is one's."""

    kind: Kind
    namespace: str = "/"
    number: int | None = None
    data: str = ""
    attachments: tuple[bytes, ...] = ()

    @property
    def contents(self) -> list[Content]:
        """The messages that carry it."""
        count = f"{len(self.attachments)}-" if self.kind in (Kind.BINARY_EVENT, Kind.BINARY_ACK) else ""
        namespace = "" if self.namespace == "/" else f"{self.namespace},"
        number = "" if self.number is None else str(self.number)
        return [f"{int(self.kind)}{count}{namespace}{number}{self.data}", *self.attachments]

    @property
    def meaning(self) -> Hashable:
        """What makes another packet the same: not the number by which it is acknowledged."""
        if self.kind in (Kind.CONNECT, Kind.DISCONNECT):
            return self.kind.name
        return (self.kind.name, canonical(self.data), self.attachments)

    @property
    def value(self) -> object:
        """What the data mean; None if there are none."""
        return parsed(self.data)


@dataclass(slots=True)
class Decoder:
    """Puts packets together with their binary attachments, which come as messages of their own."""

    _packet: Packet | None = None
    _missing: int = 0
    _attachments: list[bytes] = field(default_factory=list)

    def feed(self, content: Content) -> Packet | None:
        """The packet that is whole now, if one is; raises PacketError."""
        if isinstance(content, bytes):
            return self._attached(content)
        if self._packet is not None:
            raise PacketError("a text came where an attachment was due")
        packet, count = _read(content)
        if not count:
            return packet
        self._packet, self._missing = packet, count
        return None

    def _attached(self, content: bytes) -> Packet | None:
        packet = self._packet
        if packet is None:
            raise PacketError("an attachment came that no packet has announced")
        self._attachments.append(content)
        if len(self._attachments) < self._missing:
            return None
        whole = Packet(packet.kind, packet.namespace, packet.number, packet.data, tuple(self._attachments))
        self._packet, self._attachments = None, []
        return whole


def _read(text: str) -> tuple[Packet, int]:
    """A packet, and how many attachments are to come."""
    if not (found := _PACKET.fullmatch(text)):
        raise PacketError(f"{text[:20]!r} is no packet")
    kind = Kind(int(found[1]))
    if (found[2] is not None) != (kind in (Kind.BINARY_EVENT, Kind.BINARY_ACK)):
        raise PacketError("attachments are announced by binary packets, and only by them")
    count = int(found[2]) if found[2] and len(found[2]) < 4 else MOST_ATTACHMENTS + 1 if found[2] else 0
    if count > MOST_ATTACHMENTS:
        raise PacketError("too many attachments")
    number = int(found[4]) if found[4] and len(found[4]) < 16 else None
    data = found[5] if number is not None else (found[4] or "") + found[5]
    if data and parsed(data) is None:
        raise PacketError("the data are no JSON")
    if kind in (Kind.EVENT, Kind.BINARY_EVENT) and not _is_event(data):
        raise PacketError("an event has a name")
    return Packet(kind, (found[3] or "/").partition("?")[0], number, data), count


def _is_event(data: str) -> bool:
    value = parsed(data)
    return isinstance(value, list) and bool(value) and isinstance(value[0], str | int)


def parsed(text: str) -> object:
    """The JSON value; None if it is none."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def canonical(text: str) -> str:
    """JSON by meaning; other texts as they are."""
    value = parsed(text)
    return text if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
