"""What peertape shows as its certificate where a client takes it for the server, and what it says of clients that
want none of it.

mitmproxy signs for the name that a client asks for, or else for the address at which the connection arrived. That is
not always how the client calls us: an emulator or a container has addresses of its own for this machine, and a client
that was given an address asks for no name (RFC 6066 section 3).
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mitmproxy import certs, connection, ctx, tls
from mitmproxy.options import CONF_BASENAME, KEY_SIZE

from peertape.addons.authority import Authority

logger = logging.getLogger(__name__)

HTTP2 = b"h2"
# Android's emulator calls the machine that it runs on 10.0.2.2.
ALWAYS = ("localhost", "127.0.0.1", "::1", "10.0.2.2")


class Failure(Enum):
    """Why a handshake failed: how it stands in mitmproxy's error, and what to say."""

    UNTRUSTED = (
        "does not trust",
        "a client does not trust the certificate that peertape showed for {name}: `peertape ca` tells how it can",
    )
    CLOSED = (
        "disconnected during the handshake",
        "a client hung up when peertape showed its certificate for {name}; if that is no accident, it does not trust "
        "it: `peertape ca` tells how it can",
    )
    VERSION = ("cannot agree on a TLS version", "a client was refused: it speaks no TLS that is newer than 1.1")
    OTHER = ("", "a TLS connection for {name} failed: {error}")

    def __init__(self, mark: str, sentence: str) -> None:
        self.mark = mark
        self.sentence = sentence


class Certificates:
    """`hosts`: more names and addresses by which clients reach the reverse proxy."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._names = [general_name(host) for host in (*hosts, *ALWAYS)]
        self._said: set[Failure] = set()

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """A name that cannot be one is none: no certificate could be made for it.

        HTTP/2 goes first, as with nginx, in whatever order the client names them (RFC 7301 section 3.2: we choose).
        """
        client = data.context.client
        if HTTP2 in client.alpn_offers:
            client.alpn = HTTP2
        try:
            general_name(client.sni or "")
        except ValueError:
            client.sni = None

    def tls_start_client(self, data: tls.TlsData) -> None:
        client = data.context.client
        if client.proxy_mode.type_name != "reverse" or data.ssl_conn is None:
            return
        config: Any = ctx.master.addons.get("tlsconfig")
        names = list(dict.fromkeys((general_name(_asked(client)), *self._names)))
        entry = config.certstore.get_cert(str(names[0].value), names)
        data.ssl_conn.use_certificate(entry.cert.to_cryptography())

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """Each kind of failure is said once: a browser would repeat it with every picture."""
        error = data.conn.error or ""
        failure = next(kind for kind in Failure if kind.mark in error)
        if error.startswith("Cannot parse ClientHello") or failure in self._said:
            return
        self._said.add(failure)
        client = data.context.client
        name = _asked(client) if client.proxy_mode.type_name == "reverse" else _wanted(data)
        logger.warning(failure.sentence.format(name=name, error=error))


def issued(signer: Authority, hosts: Iterable[str], folder: Path) -> tuple[Path, Path]:
    """Files in `folder` with a certificate for `hosts` and its key: for a server that makes none as clients ask."""
    store = certs.CertStore.from_store(signer.folder, CONF_BASENAME, KEY_SIZE)
    names = list(dict.fromkeys(map(general_name, (*hosts, *ALWAYS))))
    entry = store.get_cert(str(names[0].value), names)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(entry.cert.to_pem())
    key.touch(0o600)
    key.write_bytes(entry.privatekey.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, key


def general_name(host: str) -> x509.GeneralName:
    """A host as a certificate has it; ValueError if it can be none."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not host:
            raise
        return x509.DNSName(host.encode("idna").decode("ascii"))


def _asked(client: connection.Client) -> str:
    return client.sni or str(client.sockname[0])


def _wanted(data: tls.TlsData) -> str:
    """Through the forward proxy."""
    address = data.context.server.address
    return data.context.client.sni or (str(address[0]) if address else str(data.context.client.sockname[0]))
