"""How a process ended, for a sentence."""

from __future__ import annotations

import signal


def told(code: int) -> str:
    """`code`: as `subprocess` and `multiprocessing` have it, of a signal its number below 0."""
    if code >= 0:
        return f"ended with exit code {code}"
    hint = " (the machine may have run out of memory)" if code == -signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-code).name}{hint}"
