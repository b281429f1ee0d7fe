"""Asks the instance: over HTTP/1.1, with nothing added to what is sent and nothing lost of what comes."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import h11
import httpcore
import httpx

from peertape.addons.addresses import Backend
from peertape.addons.handoff import CutError
from peertape.addons.upstreamtls import CURE

IDLE = 3.0  # seconds that a connection is kept for the next request: less than Node keeps it, which closes after 5
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110 section 9.2.2
READS = frozenset({"GET", "HEAD", "OPTIONS"})
PATIENCE_WITH_WRITES = 120.0  # seconds: what was sent whole may happen, and an uploaded film takes a while to look at
PATIENCE_WITH_POLLS = 60.0  # seconds: a poll of socket.io is held until there is news, or the next heartbeat
POLL = re.compile(rb"/socket\.io/\?(?:.*&)?sid=")

KEPT = 32  # connections

Fields = tuple[tuple[bytes, bytes], ...]


class AwayError(Exception):
    """There is no instance, or it does not answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as it is to stand on the wire. `body` is whole, or comes as it comes."""

    method: str
    origin: str
    target: bytes
    headers: Fields
    body: bytes | AsyncIterable[bytes] = b""

    @property
    def sayable(self) -> bool:
        """Whether an HTTP/1.1 client that keeps to the rules can say it."""
        try:
            h11.Request(method=self.method, target=self.target, headers=list(self.headers))
        except (h11.LocalProtocolError, UnicodeEncodeError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Told:
    """The instance's answer. The pieces may raise CutError; `close` is to be called in the end."""

    status: int
    reason: bytes
    http_version: bytes
    headers: Fields
    pieces: AsyncIterator[bytes]
    close: Callable[[], Awaitable[None]] = field(compare=False)


class Instance:
    def __init__(
        self,
        timeout: float,
        *,
        insecure: bool = False,
        ca: Path | None = None,
        backend: Backend | None = None,
    ) -> None:
        """`timeout`: seconds without progress until the head of the answer has come; more for a write that was sent.

        `ca`: a PEM file of authorities that may sign for an instance, beside the usual ones. `backend` decides to which
        addresses connections are opened; without one, to all.
        """
        self._backend = backend
        self._timeout = timeout
        self._verify = not insecure
        self._ca = ca
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def ask(self, ask: Ask) -> Told:
        """Raises AwayError, and OffLimitsError if the backend does."""
        try:
            return await self._once(ask)
        except AwayError as error:
            # A kept connection may be closed just when it is used: that is no sign of being away.
            again = isinstance(ask.body, bytes) and ask.method in REPEATABLE
            if not again or not isinstance(error.__cause__, (httpx.ReadError, httpx.RemoteProtocolError)):
                raise
            return await self._once(ask)

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def _once(self, ask: Ask) -> Told:
        upload = _Upload(ask.body, self._timeout, self._patience(ask))
        try:
            async with asyncio.timeout(self._timeout) as upload.deadline:  # to connect, and to begin
                request = httpx.Request(
                    ask.method,
                    ask.origin,
                    headers=list(ask.headers),
                    stream=upload,
                    extensions={"target": ask.target},
                )
                response = await self._connected().handle_async_request(request)
        except TimeoutError as error:
            raise AwayError(f"no answer within {upload.waited:g} s") from error
        except httpx.TransportError as error:
            raise AwayError(_reason(error)) from error
        return Told(
            response.status_code,
            response.extensions["reason_phrase"],
            response.extensions["http_version"],
            tuple(response.headers.raw),
            _until_cut(response),
            response.aclose,
        )

    def _patience(self, ask: Ask) -> float:
        """Seconds that the answer may take once the request is sent."""
        if POLL.match(ask.target):
            return max(self._timeout, PATIENCE_WITH_POLLS)
        return self._timeout if ask.method in READS else max(self._timeout, PATIENCE_WITH_WRITES)

    def _connected(self) -> httpx.AsyncHTTPTransport:
        """The bare transport: no redirects, no cookies, no proxies of the environment, no decompression."""
        if self._transport is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT, keepalive_expiry=IDLE)
            context = httpx.create_ssl_context(verify=self._verify, trust_env=False)
            if self._ca is not None:
                context.load_verify_locations(self._ca)
            self._transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)
            if self._backend is not None:  # httpx has no other way to hand one over
                self._transport._pool = httpcore.AsyncConnectionPool(
                    ssl_context=context,
                    max_connections=None,
                    max_keepalive_connections=KEPT,
                    keepalive_expiry=IDLE,
                    network_backend=self._backend,
                )
        return self._transport


class _Upload(httpx.AsyncByteStream):
    """The request's body. Whoever waits for the client's next piece does not wait for the instance."""

    deadline: asyncio.Timeout

    def __init__(self, body: bytes | AsyncIterable[bytes], seconds: float, patience: float) -> None:
        """`seconds` may pass without progress until it is sent, and `patience` after that."""
        self._body = body
        self._patience = patience
        self.waited = self._seconds = seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if isinstance(self._body, bytes):
            if self._body:
                yield self._body
            self._restart(self._patience)
            return
        self.deadline.reschedule(None)
        async for piece in self._body:
            self._restart(self._seconds)
            yield piece
            self.deadline.reschedule(None)
        self._restart(self._patience)

    def _restart(self, seconds: float) -> None:
        self.waited = seconds
        self.deadline.reschedule(asyncio.get_running_loop().time() + seconds)


async def _until_cut(response: httpx.Response) -> AsyncIterator[bytes]:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    try:
        async for piece in response.stream:
            yield piece
    except httpx.TransportError as error:
        raise CutError(str(error)) from error


def _reason(error: BaseException) -> str:
    """In a few words; what the system said lies at the bottom of a chain of errors."""
    if isinstance(error, httpx.RemoteProtocolError):
        return "it closed the connection" if "disconnected" in str(error) else f"no HTTP: {error}"
    chain: list[BaseException] = []
    follow: BaseException | None = error
    while follow is not None and follow not in chain:
        chain.append(follow)
        group = follow.exceptions[0] if isinstance(follow, BaseExceptionGroup) else None
        follow = group or follow.__cause__ or follow.__context__
    for found in reversed(chain):
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"TLS: {found.verify_message}; {CURE}"
        if isinstance(found, ssl.SSLError):
            return f"TLS: {found.reason or found}"
        if isinstance(found, socket.gaierror):
            return "its name is not known"
        if isinstance(found, OSError) and found.errno:
            return os.strerror(found.errno).lower()
    return str(error) or type(error).__name__
