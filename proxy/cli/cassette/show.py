"""`peertape cassette show`."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Iterator

import click

from peertape.cassettes import listing
from peertape.cassettes.bodies import Body, read
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.listing import StoredKeys
from peertape.cassettes.model import (
    Closing,
    Exchange,
    Message,
    NotKept,
    RecordedRequest,
    RecordedResponse,
    State,
    Timing,
)
from peertape.cassettes.redaction.bodyfilter import looks_like_text
from peertape.cassettes.store import Cassette
from peertape.proxy.cli.cassette.opening import opened
from peertape.proxy.cli.cassette.wording import moment, printable, size
from peertape.proxy.cli.trouble import Trouble, explained
from peertape.proxy.engine.hosts import is_instance

NO_CODE = 1005  # RFC 6455, section 7.4.1
LARGEST_SHOWN = 4 * 1024 * 1024  # octets of a body that is shown as text


@click.command(name="show")
@click.argument("cassette")
@click.argument("exchange", metavar="ID", type=click.IntRange(max=2**63 - 1))
@click.option("--body", is_flag=True, help="Write the response's body alone, as transferred; or the request's.")
@click.option("--request", is_flag=True, help="Only the request.")
@click.option("--response", is_flag=True, help="Only the response.")
@explained
def command(cassette: str, exchange: int, body: bool, request: bool, response: bool) -> None:
    """Show exchange ID of CASSETTE as HTTP messages, with what is known about it in lines that begin with #.

    Bodies are decoded and, if they are JSON, set out readably; of binary ones the size and the SHA-256 are told.

    \b
      peertape cassette show peertape.cassette 42
      peertape cassette show demo 42 --response
      peertape cassette show demo 42 --body > segment.mp4
    """
    if request and response:
        raise Trouble("Name one of --request and --response; without either, both are shown.")
    with opened(cassette) as found:
        keys = listing.keys(found, exchange)
        if keys is None:
            hint = f"`peertape cassette ls {shlex.quote(str(found.place))}` lists them"
            raise Trouble(f"There is no exchange {exchange} in {found.place}; {hint}.")
        whole = found.exchange(exchange)
        if body:
            _write(_body_of(whole, request))
            return
        for line in _lines(found, whole, keys, request, response):
            click.echo(line)


def _body_of(exchange: Exchange, request: bool) -> Body:
    if request:
        if (lacking := exchange.request.not_kept) is not None:
            raise Trouble(f"The request body of exchange {exchange.id} was {_told(lacking)} (--max-request-body).")
        return exchange.request.body
    if exchange.response is None:
        raise Trouble(f"Exchange {exchange.id} has no response: {exchange.error or exchange.state}.")
    return exchange.response.body


def _told(lacking: NotKept) -> str:
    return f"not kept: {size(lacking.size)}, sha-256 {lacking.sha256.hex()}"


def _write(body: Body) -> None:
    for piece in body.pieces():
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _lines(cassette: Cassette, exchange: Exchange, keys: StoredKeys, request: bool, response: bool) -> Iterator[str]:
    both = not request and not response
    if both:
        yield from (f"# {printable(line)}" for line in _about(cassette, exchange, keys))
        yield ""
    if request or both:
        yield from _request(exchange.request)
    if both:
        yield ""
    if response or both:
        if exchange.response is None:
            yield f"# no response: {printable(exchange.error or str(exchange.state))}"
        else:
            yield from _response(exchange.response, exchange.state)
        if exchange.messages:
            yield ""
            yield f"# {len(exchange.messages)} WebSocket messages (> from the client)"
            yield from (_message(message, exchange.timing) for message in exchange.messages)
        if exchange.closing is not None:
            yield _closing(exchange.closing, exchange.timing)


def _about(cassette: Cassette, exchange: Exchange, keys: StoredKeys) -> Iterator[str]:
    yield f"exchange {exchange.id}, {exchange.state}{f': {exchange.error}' if exchange.error else ''}"
    yield f"recorded {moment(exchange.timing.started)}{_steps(exchange.timing)}"
    credential = f" (credential {keys.credential})" if keys.credential else ""
    yield f"identity {listing.identity(cassette, keys.credential)}{credential}"
    what = "instance" if is_instance(exchange.request.authority, cassette) else "another host,"
    yield f"{what} {exchange.request.scheme}://{exchange.request.authority}" + (
        f", asked for as {exchange.client_host}" if exchange.client_host else ""
    )
    if keys.exact and keys.telling and keys.body_digest:
        yield f"matching: exact {keys.exact.hex()}, telling {keys.telling.hex()}, path {keys.folded_path}"
        if exchange.request.body.size:
            yield f"canonical body {keys.body_digest.hex()}"


def _steps(timing: Timing) -> str:
    steps = (("sent", timing.sent), ("first octet", timing.answering), ("last octet", timing.answered))
    return "".join(f"; {name} +{at - timing.started:.3f} s" for name, at in steps if at is not None)


def _request(request: RecordedRequest) -> Iterator[str]:
    yield printable(f"{request.method} {request.target} {request.http_version}")
    yield from _headers(request.headers)
    if request.not_kept is not None:
        yield ""
        yield f"# the body was {_told(request.not_kept)}"
    yield from _body(request.headers, request.body)
    yield from _trailers(request.trailers)


def _response(response: RecordedResponse, state: State) -> Iterator[str]:
    yield printable(f"{response.http_version} {response.status} {response.reason}").rstrip()
    yield from _headers(response.headers)
    if state is State.UNSTORED:
        yield ""
        yield "# the body was over the size limit and was not kept"
    yield from _body(response.headers, response.body)
    yield from _trailers(response.trailers)


def _headers(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        yield printable(f"{name}: {value}")


def _trailers(trailers: Headers) -> Iterator[str]:
    if trailers:
        yield ""
        yield "# trailers"
        yield from _headers(trailers)


def _body(headers: Headers, body: Body) -> Iterator[str]:
    if not body.size:
        return
    yield ""
    text = _text(headers, body)
    if text is not None:
        yield printable(text).rstrip("\n")
        return
    digest = hashlib.sha256()
    for piece in body.pieces():
        digest.update(piece)
    kind = media_type(headers) or "no type"
    coding = f", {', '.join(codings)}" if (codings := codings_of(headers)) else ""
    yield f"# {size(body.size)} of {printable(kind + coding)}, sha-256 {digest.hexdigest()}; --body writes them"


def _text(headers: Headers, body: Body) -> str | None:
    """The body as readable text; None if it is binary or too long for that."""
    if body.size > LARGEST_SHOWN:
        return None
    try:
        undone = decode(read(body), codings_of(headers), LARGEST_SHOWN)
    except TooBigError:
        return None
    if undone is None or not looks_like_text(undone.octets):
        return None
    try:
        text = undone.octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return _set_out(text)


def _set_out(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _message(message: Message, timing: Timing) -> str:
    start = f"{'>' if message.from_client else '<'} +{message.at - timing.started:.3f} s "
    if message.is_text:
        return start + printable(message.content.decode("utf-8", "replace"))
    return f"{start}{size(len(message.content))} of binary data, sha-256 {hashlib.sha256(message.content).hexdigest()}"


def _closing(closing: Closing, timing: Timing) -> str:
    code = "without a code" if closing.code == NO_CODE else f"with {closing.code}"
    reason = f": {printable(closing.reason)}" if closing.reason else ""
    by = "client" if closing.from_client else "instance"
    return f"# closed by the {by} +{closing.at - timing.started:.3f} s {code}{reason}"
