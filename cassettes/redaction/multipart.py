"""Multipart bodies on their way to the disk: files pass as they come, fields are held back until their end.

python-multipart tells what a part holds, not where it stands (a boundary that is torn between two pieces is put
together anew), and gives up on what is malformed. The output here must be the same octets, so it is split here.
"""

from __future__ import annotations

import hashlib
import re
from enum import Enum, auto

from peertape.cassettes.redaction.bodyfilter import BodyFilter
from peertape.cassettes.redaction.bodytext import Kind, request_text
from peertape.cassettes.redaction.canonical import EMPTY_DIGEST, BoundaryBlindDigest, fields_digest
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.spelling import decoded, encoded

FIELD_LIMIT = 1024 * 1024
HEAD_LIMIT = 64 * 1024
PADDING = 64  # blanks behind a boundary
LOOSE_HEAD = 1024

_FIRST_LINE = re.compile(rb"--([^\r\n]{1,200}?)[ \t]*\r?\n")
_LINE_END = re.compile(rb"[ \t]{0,%d}\r\n" % PADDING)
_PARAMETER = re.compile(r';\s*(name|filename\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))', re.IGNORECASE)
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
_LOOSE_NAME = re.compile(r"""\bname="?([^"\r\n;]*)""", re.IGNORECASE)
_LOOSE_END = re.compile(r"\r?\n--")


class _State(Enum):
    PREAMBLE = auto()
    HEAD = auto()
    CONTENT = auto()
    EPILOGUE = auto()
    BROKEN = auto()


class MultipartFilter(BodyFilter):
    """`boundary` as Content-Type says; empty if it does not."""

    def __init__(self, boundary: bytes, redactor: Redactor, field_limit: int = FIELD_LIMIT) -> None:
        self._redactor = redactor
        self._field_limit = field_limit
        self._declared = boundary
        self._boundary = boundary
        self._blind: BoundaryBlindDigest | None = None
        self._state = _State.PREAMBLE
        self._buffer = bytearray()
        self._searched = 0  # no delimiter begins before it
        self._out: list[bytes] = []
        self._parts: list[tuple[bytes, ...]] = []
        self._is_empty = True
        self._is_regular = True
        self._begin_part(b"")

    def feed(self, data: bytes) -> bytes:
        if not data or self.oversize:
            return b""
        self._is_empty = False
        self._buffer += data
        while self._step():
            pass
        return self._taken()

    def finish(self) -> bytes:
        if self.oversize:
            self.digest = self._blind_digest().digest()
            return b""
        rest = self._take(len(self._buffer))
        self._is_regular = self._is_regular and self._state is _State.EPILOGUE
        if self._state is _State.CONTENT:
            self._content(rest)
            self._end_part()
        else:
            self._emit(self._loose(rest))
        out = self._taken()
        if self._is_empty:
            self.digest = EMPTY_DIGEST
        elif self._is_regular:
            self.digest = fields_digest(b"multipart", self._parts)
        else:
            self.digest = self._blind_digest().digest()
        return out

    def _step(self) -> bool:
        """Whether more of the buffer can be read by now."""
        match self._state:
            case _State.PREAMBLE:
                return self._preamble()
            case _State.HEAD:
                return self._head()
            case _State.CONTENT:
                return self._in_content()
            case _:
                return self._beyond()

    def _preamble(self) -> bool:
        first = _FIRST_LINE.match(self._buffer)
        if first and (not self._boundary or not self._buffer.startswith(b"--" + self._boundary)):
            # Declared otherwise, or not at all: PeerTube refuses it, and yet it must not be stored in the clear.
            self._boundary = first[1]
            self._is_regular = False
        position = 0 if self._boundary and self._buffer.startswith(b"--" + self._boundary) else -1
        if position < 0 and self._boundary:
            position = self._buffer.find(b"\r\n--" + self._boundary)
            position += 2 if position >= 0 else 0
        if max(position, len(self._buffer) if position < 0 else 0) > self._field_limit:
            return self._break()
        return position >= 0 and self._delimiter(position, b"--" + self._boundary)

    def _head(self) -> bool:
        end = 0 if self._buffer.startswith(b"\r\n") else self._buffer.find(b"\r\n\r\n") + 2
        if max(end, len(self._buffer) if end == 1 else 0) > HEAD_LIMIT:
            return self._break()
        if end == 1:
            return False
        head = self._take(end + 2)
        self._emit(head)
        self._begin_part(head)
        self._state = _State.CONTENT
        return True

    def _in_content(self) -> bool:
        delimiter = b"\r\n--" + self._boundary
        position = self._buffer.find(delimiter, self._searched)
        if position >= 0:
            return self._delimiter(position, delimiter)
        safe = max(0, len(self._buffer) - len(delimiter) + 1)
        self._searched = 0
        self._content(self._take(safe))
        return False

    def _delimiter(self, position: int, delimiter: bytes) -> bool:
        """At what may be a delimiter: it must be followed by a line end, or by -- if it is the last."""
        after = position + len(delimiter)
        is_last = self._buffer.startswith(b"--", after)
        line_end = _LINE_END.match(self._buffer, after)
        if not is_last and line_end is None:
            rest = bytes(self._buffer[after : after + PADDING + 2])
            if len(rest) < PADDING + 2 and (rest == b"-" or rest.removesuffix(b"\r").strip(b" \t") == b""):
                return False
            self._searched = position + 1
            if self._state is _State.PREAMBLE:
                return self._break()
            return True
        before = self._take(position)
        if self._state is _State.PREAMBLE:
            self._emit(self._loose(before))
        else:
            self._content(before)
            self._end_part()
        if self.oversize:
            return False
        self._emit(self._take(len(delimiter) + (2 if line_end is None else line_end.end() - after)))
        self._state = _State.EPILOGUE if is_last else _State.HEAD
        return True

    def _begin_part(self, head: bytes) -> None:
        text = head.decode("utf-8", "surrogateescape")
        lines = dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
        fields = {name.strip().lower(): value.strip() for name, value in lines.items()}
        found = _PARAMETER.findall(fields.get("content-disposition", ""))
        parameters = {name.lower(): quoted or bare for name, quoted, bare in found}
        self._name = parameters.get("name", "")
        self._is_file = "filename" in parameters or "filename*" in parameters
        self._secret = self._redactor.secret_field(self._name) is not None
        filename = parameters.get("filename", parameters.get("filename*", ""))
        told = (self._name, filename, fields.get("content-type", ""))
        self._told = tuple(item.encode("utf-8", "surrogateescape") for item in told)
        self._passes = self._is_file and not self._secret
        self._held = bytearray()
        self._hash = hashlib.sha256()

    def _content(self, octets: bytes) -> None:
        if self._passes:
            self._hash.update(octets)
            self._emit(octets)
            return
        self._held += octets
        if len(self._held) > self._field_limit:
            if self._secret:
                self._give_up()
                return
            self._passes = True
            held, self._held = bytes(self._held), bytearray()
            self._content(held)

    def _end_part(self) -> None:
        if not self._passes and not self.oversize:
            held = bytes(self._held)
            text, codec = decoded(held)
            redacted = encoded(self._redactor.field(self._name, text), codec)
            self.changed = self.changed or redacted != held
            self._hash.update(redacted)
            self._emit(redacted)
        self._parts.append((*self._told, self._hash.digest()))

    def _break(self) -> bool:
        self._state = _State.BROKEN
        self._is_regular = False
        return True

    def _beyond(self) -> bool:
        """What is no part any more, in blocks of the limit: it must not matter in which pieces the body came."""
        if len(self._buffer) < self._field_limit:
            return False
        self._emit(self._loose(self._take(self._field_limit)))
        return True

    def _give_up(self) -> None:
        self.oversize = True
        self._buffer.clear()
        self._held.clear()

    def _loose(self, octets: bytes) -> bytes:
        """What is no multipart body, or not yet: fields wherever they seem to stand."""
        if not octets.strip():
            return octets
        text, codec = decoded(octets)
        redacted = encoded(request_text(self._loose_fields(text), Kind.TEXT, self._redactor)[0], codec)
        self.changed = self.changed or redacted != octets
        return redacted

    def _loose_fields(self, text: str) -> str:
        """Behind each empty line, if the lines before it name a field: the text until the next line with --."""
        out: list[str] = []
        done = 0
        while blank := _BLANK_LINE.search(text, done):
            head = text[max(done, blank.start() - LOOSE_HEAD) : blank.start()]
            out.append(text[done : blank.end()])
            done = blank.end()
            name = next(iter(_LOOSE_NAME.findall(head)[-1:]), None)
            if name is not None and "filename" not in head:
                end = found.start() if (found := _LOOSE_END.search(text, done)) else len(text)
                out.append(self._redactor.field(name, text[done:end]))
                done = end
        return "".join((*out, text[done:]))

    def _take(self, size: int) -> bytes:
        octets = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._searched = 0
        return octets

    def _emit(self, octets: bytes) -> None:
        if octets:
            self._blind_digest().update(octets)
            self._out.append(octets)

    def _taken(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out

    def _blind_digest(self) -> BoundaryBlindDigest:
        if self._blind is None:
            self._blind = BoundaryBlindDigest(self._declared or self._boundary)
        return self._blind


def boundary_of(content_type: str) -> bytes:
    """Of a Content-Type value; empty if there is none."""
    found = re.search(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;,]+))', content_type, re.IGNORECASE)
    return (found[1] or found[2] or "").encode("latin-1") if found else b""
