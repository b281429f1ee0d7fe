"""Where the fast lane is reached: an address, and what it shows there over TLS."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from peertape.proxy.lanes.lane import Addresses, LaneError, demand_free, reachable, spelled


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM: the certificate, its key, and the certificate of the authority that signed it."""

    file: Path
    key: Path
    signer: Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`host` is an address in numbers, as granian takes it. With a certificate TLS alone is spoken."""

    host: str
    port: int
    certificate: Certificate | None = None

    @property
    def reached(self) -> tuple[str, int]:
        """Where clients on this machine reach it."""
        return reachable(self.host), self.port

    @property
    def addresses(self) -> Addresses:
        url = f"http{'s' if self.certificate else ''}://{spelled(self.reached)}"
        if self.certificate is None:
            return Addresses(url, None, None)
        return Addresses(url, None, None, url, str(self.certificate.signer))


@dataclass(frozen=True, slots=True)
class Listening:
    """What the user wants: `listen` is (host, port), port 0 any free one; with `tls` a certificate for `tls_hosts` and
    the names of this machine, signed by the authority in `confdir`.
    """

    listen: tuple[str, int]
    tls: bool
    tls_hosts: Collection[str]
    confdir: str

    @contextlib.contextmanager
    def endpoint(self) -> Iterator[Endpoint]:
        """The port is kept for this process, and for those of the same user that share it (SO_REUSEPORT).

        LaneError if it cannot be had.
        """
        demand_free(self.listen)
        host = _numeric(self.listen[0])
        with _kept(host, self.listen[1]) as port:
            if not self.tls:
                yield Endpoint(host, port)
                return
            from peertape.addons.authority import AuthorityError, authority  # by mitmproxy, which takes a while to load
            from peertape.addons.certificates import issued

            try:
                signer = authority(self.confdir)
            except AuthorityError as error:
                raise LaneError(str(error)) from error
            with tempfile.TemporaryDirectory(prefix="peertape-") as folder:
                file, key = issued(signer, (*self.tls_hosts, host), Path(folder))
                yield Endpoint(host, port, Certificate(file, key, signer.path))


@contextlib.contextmanager
def _kept(host: str, port: int) -> Iterator[int]:
    """Bound, but not listened at: whoever else shares the port gets all connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host, port))
        port = int(holder.getsockname()[1])
        if hasattr(socket, "SO_REUSEPORT"):
            yield port
            return
    yield port  # where ports are not shared, it can only be let go of


def _numeric(host: str) -> str:
    """granian takes addresses only."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise LaneError(f"Cannot listen at {host}: there is no such address.") from error
