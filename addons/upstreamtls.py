"""The instance's certificate: whom it may be signed by, and what to say when it is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import certifi
from mitmproxy import tls

logger = logging.getLogger(__name__)

CURE = "--upstream-ca FILE names an authority of your own, --insecure does not check"
UNVERIFIED = "Certificate verify failed: "  # how mitmproxy's error begins


def bundle(ca: Path, folder: Path) -> Path:
    """A file in `folder` with the usual authorities and those of `ca`, both in PEM: mitmproxy takes one file."""
    path = folder / "authorities.pem"
    path.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + ca.read_bytes())
    return path


class RefusedCertificates:
    """Says of each once what is wrong with it: every request fails alike, and has its 502."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def tls_failed_server(self, data: tls.TlsData) -> None:
        address = data.context.server.address
        name = data.context.server.sni or (address[0] if address else "the instance")
        error = data.conn.error or "no reason was given"
        if error.startswith(UNVERIFIED):
            said = f"the certificate of {name} is refused: {error.removeprefix(UNVERIFIED)}; {CURE}"
        else:
            said = f"there is no TLS connection to {name}: {error}"
        if said not in self._said:
            self._said.add(said)
            logger.warning(said)
