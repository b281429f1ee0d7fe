"""What waits within a session whose state is lost."""

from __future__ import annotations

from peertape.proxy.engine.journal import Messages
from peertape.proxy.engine.notifier import Notifier
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.ending import Ending, Held
from peertape.proxy.engine.sockets.model import RESTARTED, Close, Content
from peertape.proxy.engine.state.interface import StateLostError


class Socket:
    def __init__(self, *, knows: bool = True) -> None:
        self.messages = Messages()
        self.notifier = Notifier()
        self._knows = knows

    def received(self, content: Content) -> None:
        if not self._knows:
            raise StateLostError(str(content))

    def take(self) -> tuple[str]:
        return ("hello",)

    def ready(self) -> bytes | None:
        return b"hello"

    def wait(self) -> float | None:
        return None

    def gone(self) -> None:
        pass


class Lost(Session):
    def look(self) -> None:
        raise StateLostError("away")


def test_a_socket_closes_and_its_client_comes_anew() -> None:
    ended: list[None] = []
    socket = Ending(Socket(), Session("s"), lambda: ended.append(None))
    assert socket.take() == ("hello",)
    assert Ending(Socket(), Lost("s"), lambda: None).take() == (Close(RESTARTED),)
    deaf = Ending(Socket(knows=False), Session("s"), lambda: None)
    deaf.received("x")
    assert deaf.take() == (Close(RESTARTED),)
    socket.gone()
    socket.gone()
    assert (len(ended), socket.messages.ended) == (1, True)


def test_a_poll_goes_on() -> None:
    assert Held(Socket(), Lost("s")).ready() == b"hello"
