"""The proxy lane: mitmproxy with our addons, from the first request to a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mitmproxy.master import Master
from mitmproxy.options import Options

from peertape.addons.authority import AuthorityError, authority
from peertape.addons.certificates import Certificates
from peertape.addons.intercepted import expressions
from peertape.addons.upstreamtls import RefusedCertificates, bundle
from peertape.config.settings import CONFDIR
from peertape.proxy.lanes.lane import (
    Addresses,
    LaneError,
    Ready,
    demand_free,
    free_port,
    reachable,
    spelled,
    stopped_by_signals,
)
from peertape.proxy.lanes.master import LaneMaster

FAILED_HANDSHAKE = re.compile(r"(Client|Server) TLS handshake failed")  # our addons say it, and once
NOWHERE = "http://peertape.invalid"  # where a replay's reverse proxy would lead, if it led anywhere (RFC 2606)


@dataclass(frozen=True, slots=True)
class ProxyLane:
    """`listen` and `forward` are (host, port); `web` shows the live traffic in mitmweb.

    `listen` takes plain HTTP and TLS at one port. `confdir` has the certificate authority; `tls_hosts` are names and
    addresses by which clients reach us, beside those that can be told.
    """

    listen: tuple[str, int]
    addons: Sequence[object]
    upstream: str = NOWHERE
    forward: tuple[str, int] | None = None
    web: bool = False
    insecure: bool = False
    upstream_ca: Path | None = None  # authorities that may sign for an instance, beside the usual ones
    intercepted: Collection[str] | None = None  # hosts that the forward proxy looks into; None: everything
    confdir: str = CONFDIR
    tls_hosts: Collection[str] = ()

    async def run(self, ready: Ready) -> None:
        """Serves until SIGINT, SIGTERM or cancellation. `ready` is told where, as soon as it answers."""
        quiet()
        for address in filter(None, (self.listen, self.forward)):
            demand_free(address)
        if self.forward == self.listen and self.listen[1]:
            raise LaneError(f"Name two addresses: --listen and --forward cannot both be {spelled(self.listen)}.")
        try:
            signer = authority(self.confdir)  # before mitmproxy makes one, which two runs cannot do at once
        except AuthorityError as error:
            raise LaneError(str(error)) from error
        master = self._master()
        with self._authorities(master.options), stopped_by_signals(master.shutdown):
            announcer = _Announcer(master, ready, str(signer.path))
            master.addons.add(Certificates(self.tls_hosts), RefusedCertificates(), *self.addons, announcer)
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
            options.update(web_open_browser=False, web_port=free_port(8081), onboarding=False)
        else:
            master = LaneMaster(options)
        options.update(**self._options())
        return master

    @contextlib.contextmanager
    def _authorities(self, options: Options) -> Iterator[None]:
        if self.upstream_ca is None:
            yield
            return
        with tempfile.TemporaryDirectory(prefix="peertape-") as folder:
            options.update(ssl_verify_upstream_trusted_ca=str(bundle(self.upstream_ca, Path(folder))))
            yield

    def _options(self) -> dict[str, Any]:
        modes = [f"reverse:{self.upstream}@{spelled(self.listen)}"]
        if self.forward:
            host, port = self.forward
            modes.append(f"regular@{spelled((host, port or free_port(0)))}")  # mitmproxy wants two addresses
        chosen: dict[str, Any] = {
            "mode": modes,
            "confdir": self.confdir,
            "connection_strategy": "lazy",
            "keep_host_header": True,
            "validate_inbound_headers": False,
            "ssl_insecure": self.insecure,
        }
        if self.forward and self.intercepted is not None:
            reverse = urlsplit(self.upstream).hostname or ""  # the option holds for both ways in
            chosen["allow_hosts"] = expressions({reverse, *self.intercepted})
        return chosen


class _Announcer:
    """The last addon: when its hook runs, the servers listen and the other addons are ready."""

    def __init__(self, master: Master, ready: Ready, certificate: str) -> None:
        self._master = master
        self._ready = ready
        self._certificate = certificate
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        server: Any = self._master.addons.get("proxyserver")
        found: dict[str, str] = {}
        for instance in server.servers:
            host, port = instance.listen_addrs[0][:2]
            found[instance.mode.type_name] = f"//{spelled((reachable(host), port))}"
        web = getattr(self._master, "web_url", None)
        own = found["reverse"]
        forward = f"http:{found['regular']}" if "regular" in found else None
        addresses = Addresses(f"http:{own}", forward, str(web) if web else None, f"https:{own}", self._certificate)
        self._task = asyncio.get_running_loop().create_task(self._announce(addresses))

    async def _announce(self, addresses: Addresses) -> None:
        try:
            await self._ready(addresses)
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


def quiet() -> None:
    """mitmproxy tells of every connection at level INFO; the user wants warnings only."""
    logging.getLogger("mitmproxy").setLevel(logging.WARNING)
    logging.getLogger("mitmproxy.proxy.server").addFilter(
        lambda record: not FAILED_HANDSHAKE.match(record.getMessage()),
    )
