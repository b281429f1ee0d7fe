"""Waiting until one may be alone: whoever is says until when at the latest, and is not waited for any longer."""

from __future__ import annotations

import time
from collections.abc import Callable

from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.state.store import Known

LONGEST = 10.0  # seconds for which one may be alone; a worker that ends meanwhile does not keep the others for ever
PATIENCE = 2 * LONGEST
FIRST_WAIT, LONGEST_WAIT = 0.0005, 0.02  # seconds


def waited(ask: Callable[[], Known | None]) -> Known:
    """What `ask` tells as soon as it does not tell None."""
    deadline, wait = time.monotonic() + PATIENCE, FIRST_WAIT
    while (known := ask()) is None:
        if time.monotonic() > deadline:
            raise StateLostError("The shared state is held by others for too long.")
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
    return known
