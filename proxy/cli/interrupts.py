"""Ctrl-C and SIGTERM, until a lane heeds them itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 130  # exit code: it was stopped before it was done, as shells spell it
_NUMBERS = (signal.SIGINT, signal.SIGTERM)


def heed() -> None:
    """Both end as Ctrl-C does: files are closed, and halves of files taken away."""
    for number in _NUMBERS:  # a shell that starts us in the background has SIGINT ignored
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def postponed() -> Iterator[None]:
    """What interrupts comes behind it: modules in C take it for an import that failed, and tell so by a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _NUMBERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
