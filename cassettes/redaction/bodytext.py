"""Text bodies: which kind they are, by their declaration and by what they hold, and each kind's redaction."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache

from peertape.cassettes.bodyfields import FORM
from peertape.cassettes.redaction.canonical import form_digest, json_digest
from peertape.cassettes.redaction.redactor import Redactor

_FORM_START = re.compile(r"[\w.%+\[\]~*$:-]+=")
# A packet of engine.io, with one of socket.io in it: `40/namespace,{...}`, `0{"sid":...}`.
_PACKET_START = re.compile(r"[0-6][0-6]?(?:\d+-)?(?:/[^,{\[\s]*,?)?\d*(?:[{\[]|\x1e|\Z)")
_PASSING = ("video/", "audio/", "image/", "font/", "text/css", "text/javascript", "application/javascript")
_PASSING_TYPES = frozenset(
    {
        "application/octet-stream",
        "application/zip",
        "application/gzip",
        "application/x-tar",
        "application/x-7z-compressed",
        "application/x-bittorrent",
        "application/pdf",
        "application/wasm",
        "application/x-javascript",
        "application/ecmascript",
        "multipart/byteranges",
    }
)


class Kind(Enum):
    JSON = auto()
    FORM = auto()
    TEXT = auto()  # HTML, XML, playlists, subtitles, plain text
    MULTIPART = auto()
    PASSING = auto()  # media, archives, programs: never looked into
    UNKNOWN = auto()


_MAY_BE_PACKETS = (Kind.TEXT, Kind.UNKNOWN)


@lru_cache(maxsize=512)
def kind_of(media_type: str) -> Kind:
    """As the media type (lower-case, without parameters) declares it."""
    if "json" in media_type:
        return Kind.JSON
    if media_type == FORM:
        return Kind.FORM
    if "mpegurl" in media_type:
        return Kind.TEXT
    if media_type in _PASSING_TYPES or media_type.startswith(_PASSING):
        return Kind.PASSING
    if media_type.startswith("multipart/"):
        return Kind.MULTIPART
    if media_type.startswith("text/") or media_type.endswith(("/xml", "+xml")):
        return Kind.TEXT
    return Kind.UNKNOWN


def request_text(text: str, kind: Kind, redactor: Redactor) -> tuple[str, bytes | None]:
    """The redacted text, and the digest of its canonical form if it has one besides its octets.

    What the body holds counts for more than what it was declared to be.
    """
    if kind in _MAY_BE_PACKETS and _PACKET_START.match(text):
        return redactor.packets(text), None
    start = text.lstrip("\ufeff \t\r\n")
    starts_form = _FORM_START.match(start) is not None
    if start[:1] in ("{", "[") or (kind is Kind.JSON and not starts_form):
        redacted = redactor.json(text)
        digest = json_digest(redacted.removeprefix("\ufeff"))
        # `[a]=b` begins like JSON too.
        return (redacted, digest) if digest is not None else (_lines(redacted, redactor), None)
    if kind is Kind.FORM or (starts_form and "\n" not in text):
        redacted = redactor.form(text)
        return redacted, form_digest(redacted)
    return _lines(redactor.document(text), redactor), None


def response_text(text: str, kind: Kind, redactor: Redactor) -> str:
    if kind is Kind.JSON:
        return redactor.json(text)
    if kind in _MAY_BE_PACKETS and _PACKET_START.match(text):
        return redactor.packets(text)
    return redactor.form(text) if kind is Kind.FORM else redactor.document(text)


def _lines(text: str, redactor: Redactor) -> str:
    """Lines that are forms, as enctype="text/plain" sends them."""
    if "=" not in text:
        return text
    return "".join(
        redactor.form(content) + line[len(content) :] if _FORM_START.match(content := line.rstrip("\r\n")) else line
        for line in text.splitlines(keepends=True)
    )
