"""Where multer 1.4 and busboy 1.6 stop reading a form: a field that no route has, an end that does not come.

PeerTube answers all of these with 500, behind the login and before its own checks (errors.mitm, flows 175-204).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from peertape.proxy.engine.model import Request
from peertape.proxy.engine.twin.contenttypes import content_type

_FORM = "multipart/form-data"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Each part is matched in one way only (*+), or a crafted header would take for ever.
_PARAMETER = re.compile(rf'[ \t]*+;[ \t]*+({_TOKEN}+)=("(?:[^"\\]|\\.)*+"|{_TOKEN}+)[ \t]*+', re.DOTALL)
_PARAMETERS = re.compile(rf"(?:{_PARAMETER.pattern})*+", re.DOTALL)
_HEADER = re.compile(rf"({_TOKEN}):([^\x00-\x08\x0a-\x1f\x7f]*)")


@dataclass(frozen=True, slots=True)
class FormFault:
    """`code`: the name of the error."""

    detail: str
    code: str = "Error"


@dataclass(frozen=True, slots=True)
class _Part:
    field: str | None
    filename: str | None


_CUT = FormFault("Unexpected end of form")
_MALFORMED = FormFault("Malformed part header")


def form_fault(request: Request, fields: Collection[str] | None) -> FormFault | None:
    """`fields`: those that may hold one file each; None for any. What is no form, or not held, is left alone."""
    kind = content_type(request.headers.get("content-type"))
    if kind is None or not kind.type.startswith("multipart/") or request.body_digest is not None:
        return None
    if not request.body and "content-length" not in request.headers and "transfer-encoding" not in request.headers:
        return None
    if kind.type != _FORM:
        return FormFault(f"Unsupported content type: {request.headers.get('content-type')}")
    boundary = kind.parameters.get("boundary")
    if not boundary:
        return FormFault("Multipart: Boundary not found")
    seen: Counter[str] = Counter()
    for part in _parts(request.body, boundary.encode("latin-1")):
        if isinstance(part, FormFault):
            return part
        if part.filename is None:
            if not part.field:
                return FormFault("Field name missing", "MulterError")
        elif part.filename and fields is not None:  # without a name there is no file
            field = part.field or ""
            seen[field] += 1
            if field not in fields or seen[field] > 1:
                return FormFault("Unexpected field", "MulterError")
    return None


def _parts(body: bytes, boundary: bytes) -> Iterator[_Part | FormFault]:
    """The parts in their order; last the fault that ends the reading, if there is one."""
    limit = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(limit)[1:]  # without what stands before the first
    for number, piece in enumerate(pieces):
        if piece.startswith(b"--"):
            return
        head, blank, _ = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not piece.startswith(b"\r\n"):  # passed over
            continue
        if not blank:
            yield _CUT if number == len(pieces) - 1 else _MALFORMED
            return
        part = _part(head.decode("utf-8", "replace"))
        if part is not None:
            yield part
    yield _CUT


def _part(head: str) -> _Part | FormFault | None:
    """None for what is no part of a form, which is passed over."""
    headers: dict[str, str] = {}
    for line in head.split("\r\n"):
        found = _HEADER.fullmatch(line)
        if found is None:
            return _MALFORMED
        headers[found[1].lower()] = found[2].strip()
    kind, parameters = _split(headers.get("content-disposition", ""))
    if kind != "form-data":
        return None
    filename = parameters.get("filename*", parameters.get("filename"))
    if filename is None and headers.get("content-type", "").lower().startswith("application/octet-stream"):
        filename = ""
    return _Part(parameters.get("name"), filename)


def _split(disposition: str) -> tuple[str | None, dict[str, str]]:
    """The value and its parameters; None for what cannot be read."""
    kind, semicolon, rest = disposition.partition(";")
    if not _PARAMETERS.fullmatch(semicolon + rest):
        return None, {}
    known = {found[1].lower(): _unquoted(found[2]) for found in _PARAMETER.finditer(semicolon + rest)}
    return kind.strip().lower(), known


def _unquoted(text: str) -> str:
    text = text.strip()
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
