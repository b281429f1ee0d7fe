"""The transport by itself: the heartbeat, held polls, the upgrade, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from peertape.proxy.engine.notifier import Notifier
from peertape.proxy.engine.sockets.engineio import UPGRADE_WITHIN, Connection, Terms, Transport
from peertape.proxy.engine.sockets.model import NO_CODE, RESTARTED, TOO_BIG, Close, Content
from peertape.proxy.engine.sockets.packets import PacketError

TERMS = Terms(25.0, 20.0, 1000)


@dataclass
class Echo:
    """Says what the test wants it to say."""

    heard: list[Content] = field(default_factory=list)
    to_say: list[Content | Close] = field(default_factory=list)

    def received(self, content: Content) -> None:
        if content == "bad":
            raise PacketError("bad")
        self.heard.append(content)

    def take(self) -> Sequence[Content | Close]:
        out, self.to_say = self.to_say, []
        return out

    def wait(self) -> float | None:
        return None


@dataclass
class Rig:
    transport: Transport = Transport.POLLING
    now: float = 100.0
    current: bool = True
    talk: Echo = field(default_factory=Echo)
    rung: int = 0
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        notifier = Notifier()
        self.connection = Connection(
            "sid", TERMS, self.talk, self.transport, notifier, lambda: self.now, lambda: self.current
        )


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_poll_is_held_until_there_is_something_to_say(rig: Rig) -> None:
    poll = rig.connection.poll()
    assert poll is not None
    assert poll.ready() is None
    assert poll.wait() == 25.0
    rig.talk.to_say = ["0{}", b"\x00\x01", '2["a"]']
    assert poll.ready() == b'40{}\x1ebAAE=\x1e42["a"]'
    again = rig.connection.poll()
    assert again is not None
    assert again.ready() is None
    assert not rig.connection.closed


def test_posted_packets_are_heard(rig: Rig) -> None:
    rig.connection.posted(b'40/n,\x1ebAAE=\x1e42["a"]')
    assert rig.talk.heard == ["0/n,", b"\x00\x01", '2["a"]']
    assert (rig.connection.messages.received, rig.connection.messages.sent) == (3, 0)


@pytest.mark.parametrize("body", [b"\xff", b"4bad", b"2", b"9", b""])
def test_what_is_no_packet_ends_the_session(rig: Rig, body: bytes) -> None:
    poll = rig.connection.poll()
    rig.connection.posted(body)
    assert rig.connection.closed
    assert poll is not None
    assert poll.ready() == b"6"


def test_two_polls_at_once_end_the_session(rig: Rig) -> None:
    first = rig.connection.poll()
    assert rig.connection.poll() is None
    assert first is not None
    assert first.ready() == b"6"
    assert rig.connection.closed


def test_a_poll_whose_client_has_gone_ends_the_session(rig: Rig) -> None:
    poll = rig.connection.poll()
    assert poll is not None
    poll.gone()
    assert rig.connection.closed


def test_a_poll_that_was_answered_may_go(rig: Rig) -> None:
    rig.talk.to_say = ["0"]
    poll = rig.connection.poll()
    assert poll is not None
    assert poll.ready() == b"40"
    poll.gone()
    assert not rig.connection.closed


def test_the_heartbeat(rig: Rig) -> None:
    for _ in range(5):
        rig.now += 25
        poll = rig.connection.poll()
        assert poll is not None
        assert poll.ready() == b"2"
        rig.connection.posted(b"3")
    rig.now += 25
    poll = rig.connection.poll()
    assert poll is not None
    assert poll.ready() == b"2"
    rig.now += 19.9
    assert not rig.connection.closed
    rig.now += 0.1
    assert rig.connection.closed


def test_any_packet_is_a_sign_of_life(rig: Rig) -> None:
    rig.now += 44
    rig.connection.posted(b'42["a"]')
    rig.now += 44
    assert not rig.connection.closed
    rig.now += 1
    assert rig.connection.closed


def test_a_client_that_says_goodbye(rig: Rig) -> None:
    poll = rig.connection.poll()
    rig.connection.posted(b"1")
    assert poll is not None
    assert poll.ready() == b"6"
    assert rig.connection.closed


def test_the_upgrade(rig: Rig) -> None:
    poll = rig.connection.poll()
    end = rig.connection.socket(probing=True)
    assert poll is not None
    end.received("2probe")
    assert list(end.take()) == ["3probe"]
    assert poll.ready() is None
    rig.now += 0.1
    assert poll.ready() == b"6"  # sent home, so that the client can change over
    rig.talk.to_say = ["news"]
    end.received("5")
    assert rig.connection.transport is Transport.WEBSOCKET
    assert list(end.take()) == ["4news"]
    end.received('42["a"]')
    assert rig.talk.heard == ['2["a"]']
    end.gone()
    assert rig.connection.closed


def test_messages_go_by_the_poll_while_the_upgrade_is_under_way(rig: Rig) -> None:
    end = rig.connection.socket(probing=True)
    end.received("2probe")
    poll = rig.connection.poll()
    assert poll is not None
    rig.talk.to_say = ["news"]
    assert list(end.take()) == ["3probe"]
    assert poll.ready() == b"4news"


def test_a_poll_that_is_held_when_the_upgrade_is_done(rig: Rig) -> None:
    poll, end = rig.connection.poll(), rig.connection.socket(probing=True)
    assert poll is not None
    end.received("2probe")
    end.received("5")
    rig.talk.to_say = ["news"]
    assert poll.ready() == b"6"
    assert list(end.take()) == ["3probe", "4news"]


def test_an_upgrade_that_is_given_up_leaves_the_polls(rig: Rig) -> None:
    end = rig.connection.socket(probing=True)
    end.received("2probe")
    end.gone()
    assert not rig.connection.closed
    assert not rig.connection.upgrading
    rig.talk.to_say = ["news"]
    poll = rig.connection.poll()
    assert poll is not None
    assert poll.ready() == b"4news"


def test_an_upgrade_that_takes_too_long(rig: Rig) -> None:
    end = rig.connection.socket(probing=True)
    assert end.wait() == UPGRADE_WITHIN
    rig.now += UPGRADE_WITHIN
    assert list(end.take()) == [Close(NO_CODE)]
    assert not rig.connection.closed


@pytest.mark.parametrize("first", ["4x", "2", "x"])
def test_a_socket_that_begins_with_something_else(rig: Rig, first: str) -> None:
    end = rig.connection.socket(probing=True)
    end.received(first)
    assert list(end.take()) == [Close()]
    assert not rig.connection.closed


def test_only_one_socket_may_carry_it(rig: Rig) -> None:
    first, second = rig.connection.socket(probing=True), rig.connection.socket(probing=True)
    assert list(second.take()) == [Close()]
    first.received("2probe")
    assert list(first.take()) == ["3probe"]


def test_a_socket_alone() -> None:
    rig = Rig(Transport.WEBSOCKET)
    end = rig.connection.socket(probing=False)
    rig.now += 25
    assert list(end.take()) == ["2"]
    end.received("3")
    assert end.wait() == 25.0
    end.received(b"\x00")
    assert rig.talk.heard == [b"\x00"]
    end.received("4" + "x" * 1000)
    assert list(end.take()) == [Close(TOO_BIG)]
    assert rig.connection.closed


def test_a_socket_whose_client_does_not_answer() -> None:
    rig = Rig(Transport.WEBSOCKET)
    end = rig.connection.socket(probing=False)
    rig.now += 25
    assert list(end.take()) == ["2"]
    rig.now += 20
    assert list(end.take()) == [Close(NO_CODE)]


def test_the_server_ends_it() -> None:
    rig = Rig(Transport.WEBSOCKET)
    end = rig.connection.socket(probing=False)
    rig.talk.to_say = ["last words", Close()]
    assert list(end.take()) == ["4last words", "1", Close(NO_CODE)]


def test_a_reset_session_asks_its_clients_to_come_again() -> None:
    rig = Rig(Transport.WEBSOCKET)
    end = rig.connection.socket(probing=False)
    rig.current = False
    assert list(end.take()) == [Close(RESTARTED)]
