"""The server's end of a WebSocket of its own: the tracker's, a plugin's, any other that was recorded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from peertape.config.sockets import Tracker
from peertape.proxy.engine.journal import Messages
from peertape.proxy.engine.notifier import Notifier
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets import tracker
from peertape.proxy.engine.sockets.model import RESTARTED, Close, Content
from peertape.proxy.engine.sockets.packets import canonical
from peertape.proxy.engine.sockets.performance import Performance

Said = Content | Close


class Language(Protocol):
    """How messages are understood that are played at a path."""

    @staticmethod
    def tell(content: Content) -> tuple[Hashable, Hashable]:
        """The meaning of a message, and what it is about."""
        ...

    def hear(self, performance: Performance[Said], content: Content) -> bool:
        """Whether anything was recorded upon that message."""
        ...

    def answer(self, content: Content) -> str | None:
        """What the rules say where nothing was recorded."""
        ...

    def sent(self, content: Content) -> Close | None:
        """It was said to the client; how the server closes then, if it does by its rules."""
        ...


class UnknownLanguage:
    """Messages that are the same when their octets, or their JSON, are; else they are taken in turn."""

    @staticmethod
    def tell(content: Content) -> tuple[Hashable, Hashable]:
        return (canonical(content) if isinstance(content, str) else content), None

    def hear(self, performance: Performance[Said], content: Content) -> bool:
        return performance.hear(self.tell(content)[0], content, in_turn=True)

    def answer(self, content: Content) -> str | None:  # noqa: ARG002
        return None

    def sent(self, content: Content) -> Close | None:  # noqa: ARG002
        return None


class TrackerLanguage:
    """`on_refusal` is told when the client is to be kept out."""

    def __init__(self, facts: Tracker, on_refusal: Callable[[], None], *, emulates: bool) -> None:
        self._facts = facts
        self._on_refusal = on_refusal
        self._emulates = emulates

    @staticmethod
    def tell(content: Content) -> tuple[Hashable, Hashable]:
        return tracker.tell(content)

    def hear(self, performance: Performance[Said], content: Content) -> bool:
        meanings = (
            tracker.tell(content)[0],
            tracker.without_event(content),
            *(tracker.with_event(content, event) for event in ("started", "completed")),
        )
        if tracker.is_farewell(
            content
        ):  # another announce's answer, and the offers behind it, would be for a peer that stays
            meanings = meanings[:1]
        return any(performance.hear(meaning, content) for meaning in meanings if meaning is not None)

    def answer(self, content: Content) -> str | None:
        return tracker.answer(content, self._facts) if self._emulates else None

    def sent(self, content: Content) -> Close | None:
        if not tracker.is_refusal(content):
            return None
        self._on_refusal()
        return Close()


class PlainSocket:
    """`performance`: None if nothing was recorded; `is_current`: False once the session was reset."""

    def __init__(
        self,
        session: Session,
        language: Language,
        performance: Performance[Said] | None,
        translate: Callable[[str], str],
        is_current: Callable[[], bool],
    ) -> None:
        self.messages = Messages()
        self._session = session
        self._language = language
        self._performance = performance
        self._translate = translate
        self._is_current = is_current
        self._outgoing: list[Said] = []
        self._over = False

    @property
    def notifier(self) -> Notifier:
        return self._session.notifier

    def received(self, content: Content) -> None:
        self.messages.received += 1
        if self._over or not self._is_current():
            return
        if self._performance is not None and self._language.hear(self._performance, content):
            return
        if (answer := self._language.answer(content)) is not None:
            self._outgoing.append(answer)
        else:
            self.messages.unmatched += 1

    def take(self) -> Sequence[Said]:
        if self._over:
            return ()
        if not self._is_current():
            self._over = True
            return (Close(RESTARTED),)
        if self._performance is not None:
            self._outgoing += [cue.said for cue in self._performance.take()]
        out, self._outgoing = self._outgoing, []
        return self._until_closed(out)

    def wait(self) -> float | None:
        due = self._performance.due_next() if self._performance is not None and not self._over else None
        return None if due is None else self._session.clock.until(due)

    def gone(self) -> None:
        self._over = True

    def _until_closed(self, out: list[Said]) -> list[Said]:
        told: list[Said] = []
        for said in out:
            if isinstance(said, Close):
                self._over = True
                return [*told, said]
            told.append(self._translate(said) if isinstance(said, str) else said)
            self.messages.sent += 1
            if (close := self._language.sent(said)) is not None:
                self._over = True
                return [*told, close]
        return told
