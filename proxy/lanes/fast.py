"""The fast lane: the engine's ASGI application on granian, in the event loop of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from granian.constants import Interfaces, SSLProtocols
from granian.errors import FatalError
from granian.server.embed import Server
from mitmproxy.options import CONF_DIR

from peertape.addons.authority import AuthorityError, authority
from peertape.addons.certificates import issued
from peertape.proxy.lanes.application import Application
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

RETRY = 0.01  # seconds between two looks whether the server answers yet
PATIENCE = 10.0  # seconds until it has to


@dataclass(frozen=True, slots=True)
class FastLane:
    """`listen` is (host, port). With `tls` it speaks TLS alone, with a certificate made beforehand: for `tls_hosts` and
    the names of this machine.
    """

    listen: tuple[str, int]
    application: Application
    tls: bool = False
    tls_hosts: Collection[str] = ()
    confdir: str = CONF_DIR

    async def run(self, ready: Ready) -> None:
        """Serves until SIGINT, SIGTERM or cancellation. `ready` is told where, as soon as it answers."""
        demand_free(self.listen)
        if not self.tls:
            await self._serve(ready)
            return
        try:
            signer = authority(self.confdir)
        except AuthorityError as error:
            raise LaneError(str(error)) from error
        with tempfile.TemporaryDirectory(prefix="peertape-") as folder:
            certificate, key = issued(signer, (*self.tls_hosts, _numeric(self.listen[0])), Path(folder))
            await self._serve(ready, certificate, key, str(signer.path))

    async def _serve(
        self, ready: Ready, certificate: Path | None = None, key: Path | None = None, signer: str | None = None
    ) -> None:
        host, port = self.listen[0], self.listen[1] or free_port(0)
        server = Server(
            self.application,
            address=_numeric(host),
            port=port,
            interface=Interfaces.ASGINL,
            log_enabled=False,
            ssl_cert=certificate,
            ssl_key=key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        stop: Callable[[], None] = server.stop
        with stopped_by_signals(stop):
            serving = asyncio.ensure_future(server.serve())
            telling = asyncio.ensure_future(self._tell(reachable(host), port, ready, signer))
            try:
                await asyncio.wait((serving, telling), return_when=asyncio.FIRST_COMPLETED)
                if telling.done():
                    telling.result()
                await asyncio.shield(serving)
            except FatalError as error:
                raise LaneError(f"granian could not start: {error}") from error
            finally:
                telling.cancel()
                stop()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.gather(telling, serving, return_exceptions=True)

    async def _tell(self, host: str, port: int, ready: Ready, signer: str | None) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await _answering(host, port)
        except TimeoutError as error:
            raise LaneError(f"Nothing answers at {spelled((host, port))}: granian did not start.") from error
        url = f"http{'s' if self.tls else ''}://{spelled((host, port))}"
        await ready(Addresses(url, None, None, url if self.tls else None, signer))


async def _answering(host: str, port: int) -> None:
    """Waits until somebody listens there; granian does not tell."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(RETRY)
            continue
        writer.close()
        return


def _numeric(host: str) -> str:
    """granian takes addresses only."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise LaneError(f"Cannot listen at {host}: there is no such address.") from error
