"""A socket whose end is told, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from peertape.proxy.engine.bell import Bell
from peertape.proxy.engine.journal import Messages
from peertape.proxy.engine.sockets.model import Close, Content, Endpoint


class Ending:
    def __init__(self, endpoint: Endpoint, on_end: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self._on_end: Callable[[], None] | None = on_end

    @property
    def bell(self) -> Bell:
        return self._endpoint.bell

    @property
    def messages(self) -> Messages:
        return self._endpoint.messages

    def received(self, content: Content) -> None:
        self._endpoint.received(content)

    def take(self) -> Sequence[Content | Close]:
        return self._endpoint.take()

    def wait(self) -> float | None:
        return self._endpoint.wait()

    def gone(self) -> None:
        self._endpoint.gone()
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            self.messages.ended = True
            on_end()
