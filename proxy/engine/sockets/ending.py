"""What waits within a session, and has to look at what other workers have done, since no request of its own does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from peertape.proxy.engine.journal import Messages
from peertape.proxy.engine.notifier import Notifier
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.model import RESTARTED, Close, Content, Endpoint, PendingBody
from peertape.proxy.engine.state.interface import StateLostError


class Ending:
    """A socket whose end is told, once."""

    def __init__(self, endpoint: Endpoint, session: Session, on_end: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self._session = session
        self._on_end: Callable[[], None] | None = on_end
        self._is_lost = False  # nobody knows any more what is to be said

    @property
    def notifier(self) -> Notifier:
        return self._endpoint.notifier

    @property
    def messages(self) -> Messages:
        return self._endpoint.messages

    def received(self, content: Content) -> None:
        try:
            with self._session.turn():
                self._endpoint.received(content)
        except StateLostError:
            self._is_lost = True

    def take(self) -> Sequence[Content | Close]:
        try:
            self._session.look()
            said = self._endpoint.take()
            self._session.flush()
        except StateLostError:
            self._is_lost = True
        return (Close(RESTARTED),) if self._is_lost else said

    def wait(self) -> float | None:
        return self._endpoint.wait()

    def gone(self) -> None:
        self._endpoint.gone()
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            self.messages.ended = True
            on_end()
            with suppress(StateLostError), self._session.turn():
                pass  # its end stands in the journal


class Held:
    """A body that is still to come."""

    def __init__(self, body: PendingBody, session: Session) -> None:
        self._body = body
        self._session = session

    @property
    def notifier(self) -> Notifier:
        return self._body.notifier

    def ready(self) -> bytes | None:
        with suppress(StateLostError):  # it looks again soon
            self._session.look()
        body = self._body.ready()
        with suppress(StateLostError):
            self._session.flush()
        return body

    def wait(self) -> float | None:
        return self._body.wait()

    def gone(self) -> None:
        self._body.gone()
