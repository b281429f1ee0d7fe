"""The proxy lane: mitmproxy with our addons, from the first request to a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster

NOWHERE = "http://peertape.invalid"  # where a replay's reverse proxy would lead, if it led anywhere (RFC 2606)


class LaneError(Exception):
    """The lane cannot be opened; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Lane:
    """`listen` and `forward` are (host, port); `web` shows the live traffic in mitmweb."""

    listen: tuple[str, int]
    addons: Sequence[object]
    upstream: str = NOWHERE
    forward: tuple[str, int] | None = None
    web: bool = False
    insecure: bool = False
    intercepted: Sequence[str] = ()  # host names that the forward proxy looks into; the rest passes untouched

    async def run(self, ready: Callable[[str, str | None], Awaitable[None]]) -> None:
        """Serves until SIGINT, SIGTERM or cancellation. `ready` gets the URL (and mitmweb's) as soon as it answers."""
        for address in filter(None, (self.listen, self.forward)):
            demand_free(address)
        master = self._master()
        with stopped_by_signals(master):
            announcer = _Announcer(master, ready)
            master.addons.add(*self.addons, announcer)
            try:
                await master.run()
            except SystemExit as error:
                raise LaneError("mitmproxy could not start; what it said stands above.") from error
            finally:
                await announcer.finished()
        announcer.raise_failure()

    def _master(self) -> Master:
        options = Options()
        master: Master
        if self.web:
            from mitmproxy.tools.web.master import WebMaster

            master = WebMaster(options, with_termlog=False)
            options.update(web_open_browser=False, web_port=free_port(8081))
        else:
            master = DumpMaster(options, with_termlog=False, with_dumper=False)
        options.update(**self._options())
        return master

    def _options(self) -> dict[str, Any]:
        modes = [f"reverse:{self.upstream}@{_spelled(self.listen)}"]
        if self.forward:
            modes.append(f"regular@{_spelled(self.forward)}")
        chosen: dict[str, Any] = {
            "mode": modes,
            "connection_strategy": "lazy",
            "keep_host_header": True,
            "onboarding": False,
            "validate_inbound_headers": False,
            "ssl_insecure": self.insecure,
        }
        if self.forward:
            chosen["allow_hosts"] = [rf"^{_expression(host)}:\d+$" for host in self.intercepted] or ["^$"]
        return chosen


class _Announcer:
    """The last addon: when its hook runs, the servers listen and the other addons are ready."""

    def __init__(self, master: Master, ready: Callable[[str, str | None], Awaitable[None]]) -> None:
        self._master = master
        self._ready = ready
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        server: Any = self._master.addons.get("proxyserver")
        first = next(instance for instance in server.servers if instance.mode.type_name == "reverse")
        host, port = first.listen_addrs[0][:2]
        host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._task = asyncio.get_running_loop().create_task(self._announce(url))

    async def _announce(self, url: str) -> None:
        web = getattr(self._master, "web_url", None)
        try:
            await self._ready(url, str(web) if web else None)
        except BaseException:
            self._master.shutdown()
            raise

    async def finished(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def raise_failure(self) -> None:
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()


@contextlib.contextmanager
def stopped_by_signals(master: Master) -> Iterator[None]:
    """SIGINT and SIGTERM end the master's run."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends the loop
            loop.add_signal_handler(number, master.shutdown)
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
            reason = hint if error.errno == 98 else error.strerror
            raise LaneError(f"Cannot listen at {_spelled(address)}: {reason}.") from error


def free_port(wanted: int) -> int:
    """The wanted port, or any free one if that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spelled(address: tuple[str, int]) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def _expression(host: str) -> str:
    """mitmproxy's `allow_hosts` are regular expressions."""
    return host.replace(".", r"\.")


def quiet() -> None:
    """mitmproxy tells of every connection at level INFO; the user wants warnings only."""
    logging.getLogger("mitmproxy").setLevel(logging.WARNING)
