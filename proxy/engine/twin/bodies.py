"""What PeerTube refuses of a request's body before any router sees the request (npm body-parser 1.20, raw-body 2)."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass

from peertape.cassettes.headers import Headers
from peertape.config.routers import Bodies
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.twin.contenttypes import ContentType, content_type, is_one_of
from peertape.proxy.engine.twin.jsonfaults import strict_fault

_NO_NAME = re.compile(r":\d{4}$|[^0-9a-z]", re.ASCII)
_PIECE = 64 * 1024
_MOST_DIGITS = 15  # of a length: more are too many for any limit
_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@dataclass(frozen=True, slots=True)
class BodyFault:
    """`code`: the name of the error, where there is one."""

    status: int
    detail: str
    code: str | None


class _FaultError(Exception):
    def __init__(self, fault: BodyFault) -> None:
        self.fault = fault


def body_fault(request: Request, facts: Bodies) -> BodyFault | None:
    """None where the body is parsed, or is none that PeerTube parses at this place."""
    kind = content_type(request.headers.get("content-type"))
    if kind is None or not _has_body(request):
        return None
    try:
        if is_one_of(kind.type, facts.form_types):
            _demand_form(request, kind, facts)
        elif is_one_of(kind.type, facts.json_types):
            _demand_json(request, kind, facts)
    except _FaultError as error:
        return error.fault
    return None


def head_is_too_large(request: Request, facts: Bodies) -> bool:
    """As Node counts: the target, and names and values of the headers."""
    size = len(request.target) + sum(len(name) + len(value) for name, value in request.headers)
    return size >= facts.request_head


def _has_body(request: Request) -> bool:
    length = request.headers.get("content-length")
    framed = "transfer-encoding" in request.headers or (length is not None and length.strip().isdecimal())
    return framed or bool(request.body) or request.body_digest is not None


def _demand_form(request: Request, kind: ContentType, facts: Bodies) -> None:
    if kind.charset != "utf-8":
        raise _unsupported(f'charset "{kind.charset.upper()}"')
    body = _octets(request, facts, facts.form_limit)
    if body.count(b"&") >= facts.form_parameters:
        raise _too_large("too many parameters")


def _demand_json(request: Request, kind: ContentType, facts: Bodies) -> None:
    if not kind.charset.startswith("utf-"):
        raise _unsupported(f'charset "{kind.charset.upper()}"')
    coding = _coding(request.headers, facts)
    charset = facts.json_charsets.get(_NO_NAME.sub("", kind.charset))
    if charset is None:
        raise _unsupported(f'charset "{kind.charset.upper()}"')
    body = _octets(request, facts, facts.json_limit, coding)
    if _is_signed_otherwise(request.headers, body):
        raise _FaultError(BodyFault(403, "Invalid digest", None))
    text = _decoded(body, charset)
    if text and (detail := strict_fault(text)):
        raise _FaultError(BodyFault(400, detail, "SyntaxError"))


def _decoded(body: bytes, charset: str) -> str:
    if charset == "utf-16-le" and body.startswith(b"\xfe\xff"):  # by its mark, whatever the name says
        charset = "utf-16-be"
    return body.decode(charset, "replace").removeprefix("\ufeff")


def _coding(headers: Headers, facts: Bodies) -> str:
    coding = ", ".join(headers.get_all("content-encoding")).lower() or "identity"
    if coding not in facts.codings:
        raise _unsupported(f'content encoding "{coding}"')
    return coding


def _octets(request: Request, facts: Bodies, limit: int, coding: str | None = None) -> bytes:
    """The body without its coding."""
    coding = coding or _coding(request.headers, facts)
    length = request.headers.get("content-length") or ""
    is_announced = coding == "identity" and length.isdecimal() and int(length[:_MOST_DIGITS]) > limit
    if is_announced or len(request.body) > limit or request.body_digest is not None:  # too big to be held
        raise _too_large("request entity too large")
    return request.body if coding == "identity" else _inflated(request.body, coding, limit)


def _inflated(body: bytes, coding: str, limit: int) -> bytes:
    """All members of a gzip stream, one after another, as Node reads them; zeros at the end are overlooked."""
    out = bytearray()
    rest = body
    while rest or not body:
        stream = zlib.decompressobj(_WINDOW[coding])
        try:
            while not stream.eof:
                piece = stream.decompress(rest, _PIECE)
                rest = stream.unconsumed_tail
                out += piece
                if len(out) > limit:
                    raise _too_large("request entity too large")
                if not piece and not rest and not stream.eof:
                    raise _FaultError(BodyFault(400, "unexpected end of file", "Error"))
        except zlib.error as error:
            raise _FaultError(BodyFault(400, _of_zlib(error), "Error")) from error
        rest = stream.unused_data
        if coding != "gzip" or rest.startswith(b"\0"):
            break
    return bytes(out)


def _of_zlib(error: zlib.error) -> str:
    """zlib's own message, which Python puts a sentence before."""
    return str(error).rpartition(": ")[2]


def _is_signed_otherwise(headers: Headers, body: bytes) -> bool:
    """ActivityPub's signed deliveries carry a digest of the body."""
    digest = headers.get("digest")
    if not digest or not headers.get("signature"):
        return False
    read_as_text = body.decode("utf-8", "replace").encode()
    return digest != f"SHA-256={base64.b64encode(hashlib.sha256(read_as_text).digest()).decode()}"


def _unsupported(what: str) -> _FaultError:
    return _FaultError(BodyFault(415, f"unsupported {what}", "UnsupportedMediaTypeError"))


def _too_large(detail: str) -> _FaultError:
    return _FaultError(BodyFault(413, detail, "PayloadTooLargeError"))
