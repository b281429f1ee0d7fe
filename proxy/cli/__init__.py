"""The command line."""

from __future__ import annotations

import sys

from peertape.proxy.cli import interrupts


def main() -> None:
    """The console script: exit code 0 fine, 1 a run that broke its strictness, 2 wrong usage or configuration,
    130 stopped before it was done.
    """
    interrupts.heed()
    try:
        with interrupts.postponed():
            from peertape.proxy.cli.root import cli
    except KeyboardInterrupt:
        sys.exit(interrupts.STOPPED)
    sys.exit(cli())


__all__ = ["main"]
