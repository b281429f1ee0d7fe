"""Looking at a streamed body on its way, by several addons: each step sees what the step before gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mitmproxy import http

Step = Callable[[bytes], bytes | Iterable[bytes]]  # called with b"" at the end of the body


def add_step(message: http.Message, step: Step) -> None:
    """Streams the message through `step`, behind the steps that are there already."""
    earlier = message.stream
    if not callable(earlier):
        message.stream = step
        return
    before: Step = earlier

    def both(data: bytes) -> Iterable[bytes]:
        for piece in _pieces(before(data)):
            yield from _pieces(step(piece))
        if not data:
            yield from _pieces(step(b""))

    message.stream = both


def watched(look: Callable[[bytes], None]) -> Step:
    """A step that only looks."""

    def step(data: bytes) -> Iterable[bytes]:
        if not data:
            return ()
        look(data)
        return (data,)

    return step


def _pieces(given: bytes | Iterable[bytes]) -> Iterable[bytes]:
    pieces = [given] if isinstance(given, bytes) else given
    return [piece for piece in pieces if piece]
