"""Lets one through at a time, of the processes that were forked after it was made, within a tenth of a microsecond.

Semaphores are taken without a word to the kernel, and without letting go of the interpreter's lock, as long as nobody
else has them. The kernel does not give back what a killed process had: who waits gives up.
"""

from __future__ import annotations

import multiprocessing

from peertape.proxy.engine.state.interface import StateLostError

TRIES = 100  # before it sleeps: the others are through in less time than it takes to be woken
PATIENCE = 5.0  # seconds


class Gate:
    """StateLostError if the system has none."""

    def __init__(self, patience: float = PATIENCE) -> None:
        try:
            self._lock = multiprocessing.get_context("fork").Lock()
        except OSError as error:
            raise StateLostError(f"There is no lock that the workers could share: {error.strerror}.") from error
        self._patience = patience

    def __enter__(self) -> None:
        acquire = self._lock.acquire
        for _ in range(TRIES):
            if acquire(False):
                return
        if not acquire(True, self._patience):
            raise StateLostError("The shared state is held by a worker that was stopped or killed.")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
