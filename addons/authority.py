"""mitmproxy's certificate authority, which signs what peertape shows over TLS: its files, and what clients trust.

The files are mitmproxy's own (`CertStore.create_store`), in its folder, so that whoever trusts mitmproxy trusts
peertape. They are made once and never written over: apps and devices hold the certificate.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PublicFormat,
    pkcs12,
)
from mitmproxy import certs
from mitmproxy.options import CONF_BASENAME, CONF_DIR, KEY_SIZE

KEY = f"{CONF_BASENAME}-ca.pem"
PUBLIC = tuple(f"{CONF_BASENAME}-ca-cert.{ending}" for ending in ("pem", "cer", "p12"))
PARAMETERS = f"{CONF_BASENAME}-dhparam.pem"
PASSWORD = "changeit"  # of a PKCS12 file, as Java's own trust store has it: it holds no secret, but Java wants one


class AuthorityError(Exception):
    """The authority cannot be had; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Authority:
    """`made`: it was not there before."""

    folder: Path
    certificate: x509.Certificate
    made: bool = False

    @property
    def path(self) -> Path:
        """The certificate, in PEM."""
        return self.folder / PUBLIC[0]

    @property
    def key_path(self) -> Path:
        return self.folder / KEY

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as browsers show it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def public_key_hash(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo in base64: a pin (RFC 7469 section 2.4), as Chromium's
        `--ignore-certificate-errors-spki-list` takes it."""
        octets = self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(octets).digest()).decode("ascii")

    @property
    def android_name(self) -> str:
        """What Android's folder of trusted authorities calls it: OpenSSL's old hash of the subject, which is MD5."""
        digest = hashlib.md5(self.certificate.subject.public_bytes(), usedforsecurity=False).digest()
        return f"{int.from_bytes(digest[:4], 'little'):08x}.0"

    @property
    def expired(self) -> bool:
        return datetime.now(UTC) >= self.certificate.not_valid_after_utc

    @property
    def key_is_open(self) -> bool:
        """Whether other users of this machine may read the key."""
        return os.name == "posix" and bool(self.key_path.stat().st_mode & 0o077)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def pkcs12(self) -> bytes:
        """A trust store that Java takes as it is."""
        entry = pkcs12.PKCS12Certificate(self.certificate, CONF_BASENAME.encode("ascii"))
        return pkcs12.serialize_java_truststore([entry], BestAvailableEncryption(PASSWORD.encode("ascii")))


def authority(folder: str | Path = CONF_DIR) -> Authority:
    """That of `folder`, made if there is none; raises AuthorityError."""
    where = Path(folder).expanduser().absolute()
    key = where / KEY
    try:
        made = not key.exists() and _make(where)
        certificate = x509.load_pem_x509_certificates(key.read_bytes())[0]
        found = Authority(where, certificate, made)
        _complete(found)
    except OSError as error:
        raise AuthorityError(
            f"The certificate authority in {where} cannot be read or made: {error.strerror or error}. "
            "--confdir (or PEERTAPE_CONFDIR) names another folder."
        ) from error
    except ValueError as error:
        raise AuthorityError(
            f"{key} holds no certificate that can be read ({error}). Restore it, or move the mitmproxy-ca files away: "
            "a new authority is made then, which apps and devices have to trust anew."
        ) from error
    return found


def _make(folder: Path) -> bool:
    """Makes the key and the certificate; False if another process was faster.

    Many runs may begin at once (a test suite in parallel): all must sign with the one key that lies there in the end.
    """
    key = folder / KEY
    folder.mkdir(parents=True, exist_ok=True)
    left = [name for name in (f"{CONF_BASENAME}-ca.p12", *PUBLIC) if (folder / name).exists()]
    if left and not key.exists():
        raise AuthorityError(
            f"{folder} has {left[0]} but not {KEY}, the key: nothing can be signed that holders of that certificate "
            "would trust. Bring the key back, or move the mitmproxy-ca files away."
        )
    with tempfile.TemporaryDirectory(prefix="peertape-", dir=folder) as name:
        certs.CertStore.create_store(Path(name), CONF_BASENAME, KEY_SIZE)
        return _put_new(Path(name, KEY), key)


def _put_new(source: Path, target: Path) -> bool:
    """Whole or not at all, and never over what is there."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True


def _complete(found: Authority) -> None:
    """Writes what is missing beside the key, as mitmproxy makes it."""
    pem = found.certificate.public_bytes(Encoding.PEM)
    p12 = pkcs12.serialize_key_and_certificates(
        CONF_BASENAME.encode("ascii"), None, found.certificate, None, NoEncryption()
    )
    for name, content in (*zip(PUBLIC, (pem, pem, p12), strict=True), (PARAMETERS, certs.DEFAULT_DHPARAM)):
        path = found.folder / name
        if not path.exists():
            _write(path, content)


def _write(path: Path, content: bytes) -> None:
    """At once: nobody reads half of it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="peertape-", delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
