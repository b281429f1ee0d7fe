"""Chromium as the tests drive it: without a network, with an eye on every request."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support import clients
from support.wire import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Response

FLAGS = (
    # Only loopback is reached; every other name and address is no host.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE *.localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    "--no-first-run",
    "--no-sandbox",  # it does not start for root otherwise
    "--autoplay-policy=no-user-gesture-required",
)


@contextlib.contextmanager
def chromium(*trusted: Path) -> Iterator[Browser]:
    """Debian's, headless; it trusts the keys of these certificates besides."""
    clients.module("playwright")
    program = clients.program("chromium")
    from playwright.sync_api import sync_playwright

    keys = ",".join(map(_key, trusted))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=[*FLAGS, f"--ignore-certificate-errors-spki-list={keys}"]
        )
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what it asked."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("request", self._ask)
        self.page.on("response", self._answer)
        self.page.on("requestfailed", self._fail)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("console", lambda told: self.said.append(told.text) if told.type in ("error", "warning") else None)

    def run(self, script: str, *given: Any) -> Any:
        """The value of a function of JavaScript, which gets what is given as one list."""
        return self.page.evaluate(script, list(given))

    def answered_by(self, authority: str) -> list[Response]:
        return [response for response in self.responses if urlsplit(response.url).netloc == authority]

    @property
    def authorities(self) -> set[str]:
        """Whom it asked."""
        return {urlsplit(r.url).netloc for r in self.requests if urlsplit(r.url).scheme.startswith("http")}

    def _ask(self, request: Request) -> None:
        self.requests.append(request)

    def _answer(self, response: Response) -> None:
        self.responses.append(response)

    def _fail(self, request: Request) -> None:
        # Players let go of what they do not need any more: the rest of a file after a seek, another rendition.
        if request.failure != "net::ERR_ABORTED":
            self.failed.append(f"{request.method} {request.url}: {request.failure}")


def _key(certificate: Path) -> str:
    """The hash by which Chromium names a certificate's public key."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    return base64.b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()
