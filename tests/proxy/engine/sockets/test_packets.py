from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.sockets.packets import Decoder, Kind, Packet, PacketError, in_payload, payload

names = st.text(st.characters(codec="utf-8", exclude_characters=",?\x1e"), max_size=8).map(lambda name: f"/{name}")
values = st.lists(st.integers() | st.text(max_size=5) | st.none(), max_size=3)
numbers = st.none() | st.integers(0, 10**9)


def event(name: str, rest: list[object], namespace: str, number: int | None, attachments: list[bytes]) -> Packet:
    kind = Kind.BINARY_EVENT if attachments else Kind.EVENT
    return Packet(kind, namespace, number, json.dumps([name, *rest]), tuple(attachments))


events = st.builds(event, st.text(max_size=5), values, names, numbers, st.lists(st.binary(max_size=9), max_size=3))
acks = st.builds(lambda ns, n, v: Packet(Kind.ACK, ns, n, json.dumps(v)), names, st.integers(0, 99), values)
joins = st.builds(lambda ns, v: Packet(Kind.CONNECT, ns, None, json.dumps({"sid": v})), names, st.text(max_size=5))


@given(st.lists(events | acks | joins, max_size=4))
def test_packets_are_read_as_they_were_written(sent: list[Packet]) -> None:
    decoder = Decoder()
    contents = [content for packet in sent for content in packet.contents]
    assert [packet for content in contents if (packet := decoder.feed(content))] == sent


@given(st.lists(st.binary(max_size=9) | st.text(st.characters(codec="utf-8", exclude_characters="\x1e"), max_size=9)))
def test_a_payload_holds_its_packets(contents: list[bytes | str]) -> None:
    packets = ["4" + content if isinstance(content, str) else content for content in contents] or ["6"]
    assert in_payload(payload(packets)) == packets


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0", Packet(Kind.CONNECT)),
        ("0/user-notifications,", Packet(Kind.CONNECT, "/user-notifications")),
        ('0/admin,{"token":"1"}', Packet(Kind.CONNECT, "/admin", data='{"token":"1"}')),
        ("0/admin?token=1,", Packet(Kind.CONNECT, "/admin")),
        ("1/live-videos", Packet(Kind.DISCONNECT, "/live-videos")),
        ('2["a"]', Packet(Kind.EVENT, data='["a"]')),
        ('2/n,12["a"]', Packet(Kind.EVENT, "/n", 12, '["a"]')),
        ("37[]", Packet(Kind.ACK, number=7, data="[]")),
        ('4/n,{"message":"no"}', Packet(Kind.CONNECT_ERROR, "/n", data='{"message":"no"}')),
    ],
)
def test_as_they_stand_on_the_wire(text: str, packet: Packet) -> None:
    assert Decoder().feed(text) == packet


@pytest.mark.parametrize(
    "text",
    ["", "7", "x", "2", "2{}", "2[]", "2[[1]]", "2[", '52["no count"]', '51000000-["a"]', '511-["a"]', '21-["a"]'],
)
def test_what_is_no_packet(text: str) -> None:
    with pytest.raises(PacketError):
        Decoder().feed(text)


def test_attachments_come_when_they_are_due() -> None:
    with pytest.raises(PacketError):
        Decoder().feed(b"alone")
    decoder = Decoder()
    assert decoder.feed('51-["a",{"_placeholder":true,"num":0}]') is None
    with pytest.raises(PacketError):
        decoder.feed('2["b"]')


@pytest.mark.parametrize("body", [b"\xff", b"b***"])
def test_what_is_no_payload(body: bytes) -> None:
    with pytest.raises(PacketError):
        in_payload(body)


def test_the_same_is_meant_whatever_the_spelling_and_the_number() -> None:
    first, second = Decoder().feed('2/n,1["a",{"x":1,"y":2}]'), Decoder().feed('2/n,2[ "a", {"y":2, "x":1} ]')
    assert first is not None
    assert second is not None
    assert first.meaning == second.meaning
