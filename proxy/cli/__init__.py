"""The command line."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from peertape.proxy.cli.root import cli


def main() -> None:
    """The console script: exit code 0 fine, 1 a run that broke its strictness, 2 wrong usage or configuration."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell that starts us in the background has SIGINT ignored
        signal.signal(number, _interrupt)
    sys.exit(cli())


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Both end as Ctrl-C does: files are closed, and halves of files taken away."""
    raise KeyboardInterrupt


__all__ = ["main"]
