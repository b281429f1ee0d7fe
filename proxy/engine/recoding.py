"""A recorded content coding, negotiated again: PeerTube compresses nothing, but the web server in front of it does.

What a client takes as it was recorded stays so, octet by octet. Else it is decoded, and encoded anew only for a client
that refuses what is not coded. What was recorded without a coding never gets one.
"""

from __future__ import annotations

from dataclasses import replace

from peertape.cassettes.bodies import EMPTY, Body, BytesBody, read
from peertape.cassettes.codings import ENCODINGS, codings_of, decoded_body, encode
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.acceptance import REFUSED, Acceptance
from peertape.proxy.engine.model import Answer, Request, Source

HELD = 8 * 1024 * 1024  # octets of a decoded body that stand in memory; a longer one is decoded as it is sent
LARGEST = 256 * 1024 * 1024  # octets of a decoded body: few coded octets may stand for very many
NOT_ACCEPTED = ("coding", "not-accepted")
_OF_THE_OCTETS = frozenset(
    {"content-length", "transfer-encoding", "content-md5", "digest", "content-digest", "repr-digest"}
)


def is_taken(request: Headers, recorded_request: Headers, answer: Headers) -> bool:
    """Whether a client takes an answer in its recorded coding: it says so, or said the same as the recorded client."""
    codings = codings_of(answer)
    if not codings:
        return True
    acceptance = Acceptance.of(request)
    return acceptance.quality(codings) > REFUSED or acceptance == Acceptance.of(recorded_request)


def recoded(request: Request, answer: Answer, recorded_request: Headers) -> Answer:
    """`answer` as the client takes it; the same object if it does. If nothing can be done about it, it says so."""
    if answer.status == 304 or is_taken(request.headers, recorded_request, answer.headers):
        return answer
    return decoded_for(request, answer) or replace(answer, remark=(*answer.remark, NOT_ACCEPTED))


def decoded_for(request: Request, answer: Answer) -> Answer | None:
    """A coded answer in identity, or in what the client takes instead; None if it cannot be decoded."""
    if request.method == "HEAD":
        return _derived(answer, "identity", EMPTY, None)
    plain = uncoded(answer)
    if plain is None:
        return None
    coding = _instead(Acceptance.of(request.headers), plain.body)
    if coding == "identity":
        return plain
    body = BytesBody(encode(read(plain.body), (coding,)))
    return _derived(answer, coding, body, body.size)


def uncoded(answer: Answer) -> Answer | None:
    """A coded answer in identity; None if it cannot be decoded, which a part of one never can."""
    if answer.status == 206:
        return None
    plain = decoded_body(answer.body, codings_of(answer.headers), HELD, LARGEST)
    return None if plain is None else _derived(answer, "identity", plain, plain.size)


def _instead(acceptance: Acceptance, plain: Body) -> str:
    """Identity, unless that is refused and something else is not; where all is refused, web servers send identity."""
    if acceptance.quality(()) > REFUSED or plain.size > HELD:
        return "identity"
    return acceptance.best(ENCODINGS) or "identity"


def _derived(answer: Answer, coding: str, body: Body, length: int | None) -> Answer:
    return replace(
        answer,
        headers=_recoded_headers(answer.headers, coding, length),
        body=body,
        source=Source.DERIVED,
        remark=(*answer.remark, ("coding", coding)),
        trailers=Headers(),
    )


def _recoded_headers(headers: Headers, coding: str, length: int | None) -> Headers:
    """With what depends on the coding where Content-Encoding stood."""
    out: list[tuple[str, str]] = []
    new = [("Content-Encoding", coding)] if coding != "identity" else []
    new += [] if _varies(headers) else [("Vary", "Accept-Encoding")]
    new += [] if length is None else [("Content-Length", str(length))]
    for name, value in headers:
        match name.lower():
            case "content-encoding":
                out += [(name.lower(), value) for name, value in new] if name.islower() else new
                new = []
            case "etag":
                out.append((name, _weak(value)))
            case other if other not in _OF_THE_OCTETS:
                out.append((name, value))
    return Headers(tuple(out))


def _weak(etag: str) -> str:
    """A strong ETag names the octets of one coding (RFC 9110 section 8.8.3.3); nginx makes a weak one of it too."""
    return f"W/{etag}" if etag.startswith('"') else etag


def _varies(headers: Headers) -> bool:
    named = {name.strip().lower() for value in headers.get_all("vary") for name in value.split(",")}
    return not named.isdisjoint({"accept-encoding", "*"})
