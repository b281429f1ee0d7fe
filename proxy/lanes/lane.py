"""What the lanes have in common: where they are reached, what can go wrong with that, and how they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

ONCE = {"once": True}  # `extra` of a log record: said once a run, however many processes say it


class LaneError(Exception):
    """The lane cannot be opened; its text is a sentence for the user."""


class BrokenLaneError(LaneError):
    """The lane was open, and cannot go on."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where an open lane is reached: the base URL for apps, the forward proxy, mitmweb.

    And over TLS: its base URL, and the file with the certificate that clients have to trust.
    """

    url: str
    forward: str | None
    web: str | None
    secure: str | None = None
    certificate: str | None = None


Ready = Callable[[Addresses], Awaitable[None]]


class Lane(Protocol):
    """A way in."""

    async def run(self, ready: Ready) -> None:
        """Serves until SIGINT, SIGTERM or cancellation. `ready` is told where, as soon as it answers."""
        ...


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], object]) -> Iterator[None]:
    """SIGINT and SIGTERM call `stop`."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends the loop
            loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)


def demand_free(address: tuple[str, int]) -> None:
    """LaneError if something else listens there."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            hint = "another program listens there; name another with --listen, or port 0 for a free one"
            reason = hint if error.errno == errno.EADDRINUSE else error.strerror
            raise LaneError(f"Cannot listen at {spelled(address)}: {reason}.") from error


def free_port(wanted: int) -> int:
    """The wanted port, or any free one if that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spelled(address: tuple[str, int]) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host
