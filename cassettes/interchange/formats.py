"""Recordings of others, by path: which format a file has, reading one, writing one whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from peertape.cassettes.errors import CassetteReadOnly, DiskFull, ImportFailed
from peertape.cassettes.interchange.flows import read_flows, write_flows
from peertape.cassettes.interchange.har import read_har, write_har
from peertape.cassettes.interchange.report import ImportReport, Progress
from peertape.cassettes.model import Exchange


class Format(StrEnum):
    MITMPROXY = "mitmproxy"
    HAR = "har"


STANDARD_STREAM = Path("-")  # standard input, or standard output
SUPPORTED = "mitmproxy flow files and HAR files can be imported"
SUFFIXES: Mapping[str, Format] = {
    ".har": Format.HAR,
    ".mitm": Format.MITMPROXY,
    ".flow": Format.MITMPROXY,
    ".flows": Format.MITMPROXY,
    ".dump": Format.MITMPROXY,
}
_HEAD = 4096
_FLOW = re.compile(rb"\d{1,12}:\d+:")  # a tnetstring with another inside, which its first member's name is
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_HINTS: Mapping[bytes, str] = {
    b"SQLite format 3\0": "this is an SQLite file, perhaps a cassette (`peertape cassette merge` joins cassettes)",
    b"PK\x03\x04": "this is a ZIP archive; unpack it and import the .har file in it",
    b"\x1f\x8b": "this file is compressed with gzip; unpack it first",
    b"x\x9c": "this file is compressed (a .zhar of mitmproxy?); unpack it first",
    b"x\xda": "this file is compressed (a .zhar of mitmproxy?); unpack it first",
}


def detect(file: BinaryIO) -> Format:
    """The format, told from the first octets, which stay unread; ImportFailed if it is none that can be read."""
    head = _peek(file)
    if _FLOW.match(head) or not head:  # mitmproxy writes an empty file when there was no traffic
        return Format.MITMPROXY
    for magic, hint in _HINTS.items():
        if head.startswith(magic):
            raise ImportFailed(f"{hint}; {SUPPORTED}")
    if not _OBJECT.match(head):
        raise ImportFailed(f"this is neither a mitmproxy flow file nor JSON; {SUPPORTED}")
    if b'"log"' not in head:
        raise ImportFailed(f"this is JSON, but no HAR file, which would begin with a log; {SUPPORTED}")
    return Format.HAR


def format_of(path: Path, wanted: str | None = None) -> Format:
    """The format to write: the one asked for, else the one that the file's name stands for."""
    known = ", ".join(Format)
    if wanted is not None:
        try:
            return Format(wanted)
        except ValueError:
            raise ImportFailed(f"there is no format {wanted!r}; the formats are {known}") from None
    if (told := SUFFIXES.get(path.suffix.lower())) is None:
        names = ", ".join(SUFFIXES)
        raise ImportFailed(f"the name {path} does not tell a format ({names} would); name one of: {known}")
    return told


def read(path: Path, progress: Progress | None = None, report: ImportReport | None = None) -> Iterator[Exchange]:
    """The exchanges of a file in any known format; `-` is standard input, of which no progress is told.

    What is read before a broken place is yielded before ImportFailed comes.
    """
    try:
        if path == STANDARD_STREAM:
            yield from _read(sys.stdin.buffer, None, None, report)
        else:
            with path.open("rb") as file:
                yield from _read(file, path.parent, progress if file.seekable() else None, report)
    except ImportFailed as error:
        raise ImportFailed(f"{path}: {error}") from error
    except OSError as error:
        raise ImportFailed(f"{path} cannot be read: {error.strerror or error}") from error


def write(exchanges: Iterable[Exchange], path: Path, format: Format) -> int:  # noqa: A002 - the word users know
    """Writes the file whole or leaves what was there, and returns the number of exchanges; `-` is standard output."""
    writer = write_har if format is Format.HAR else write_flows
    if path == STANDARD_STREAM:
        with _told(path):
            count = writer(exchanges, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return count
    with _told(path), _replaced(path) as file:
        return writer(exchanges, file)


def _read(
    file: BinaryIO, beside: Path | None, progress: Progress | None, report: ImportReport | None
) -> Iterator[Exchange]:
    if detect(file) is Format.HAR:
        yield from read_har(file, report, progress, beside)
    else:
        yield from read_flows(file, report, progress)


def _peek(file: BinaryIO) -> bytes:
    if file.seekable():
        start = file.tell()
        head = file.read(_HEAD)
        file.seek(start)
        return head
    peek = getattr(file, "peek", None)
    return bytes(peek(_HEAD)) if peek else b""


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when all went well, and vanishes otherwise."""
    if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Trouble with the disk, in the cassette's own errors."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of standard output went away: nothing is wrong with the disk
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"there is no room on the disk for {path}") from error
        raise CassetteReadOnly(f"{path} cannot be written: {error.strerror or error}") from error
