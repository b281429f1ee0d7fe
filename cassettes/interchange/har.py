"""HAR 1.2, in and out: what browsers, Playwright and mitmproxy save.

Facts: http://www.softwareishard.com/blog/har-12-spec/ (the format; har_in.py names where its writers differ).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from peertape.cassettes.errors import ImportFailed
from peertape.cassettes.interchange.har_in import NotAnExchange, exchange_of
from peertape.cassettes.interchange.har_out import entry_of
from peertape.cassettes.interchange.jsonstream import JsonStream
from peertape.cassettes.interchange.report import ImportReport, Progress
from peertape.cassettes.model import Exchange


def read_har(
    file: BinaryIO, report: ImportReport | None = None, progress: Progress | None = None, beside: Path | None = None
) -> Iterator[Exchange]:
    """Every HTTP entry of the file as an exchange, in the file's order.

    `beside` is the folder where Playwright put the bodies that it did not embed. ImportFailed if it is no HAR, or at
    the first broken entry; what came before it has been yielded by then.
    """
    report = report or ImportReport()
    for number, entry in enumerate(_entries(file), start=1):
        try:
            exchange = exchange_of(entry, beside, report)
        except NotAnExchange as reason:
            report.skipped[str(reason)] += 1
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            raise ImportFailed(f"entry {number} cannot be understood: {error}") from error
        else:
            yield report.took(exchange)
        if progress:
            progress(file.tell())


def write_har(exchanges: Iterable[Exchange], file: BinaryIO) -> int:
    """Writes an entry for each exchange, one a line, the incomplete ones too, and returns how many."""
    creator = json.dumps({"name": "peertape", "version": _version()})
    file.write(f'{{"log": {{"version": "1.2", "creator": {creator}, "pages": [], "entries": ['.encode())
    count = 0
    for exchange in exchanges:
        file.write(b",\n" if count else b"\n")
        file.write(_line(exchange))
        count += 1
    file.write(b"\n]}}\n")
    return count


def _line(exchange: Exchange) -> bytes:
    text = json.dumps(entry_of(exchange), ensure_ascii=False)
    # A lone surrogate has no UTF-8; what backslashreplace makes of it is JSON's own escape.
    return text.encode("utf-8", "backslashreplace")


def _entries(file: BinaryIO) -> Iterator[Any]:
    whole, is_har = 0, False
    try:
        for member in _members_of_log(stream := JsonStream(file)):
            if member == "entries" and stream.begins("["):
                is_har = True
                for entry in stream.items():
                    yield entry
                    whole += 1
            else:
                stream.value()
        stream.end()
    except (ValueError, RecursionError) as error:
        if is_har:
            raise ImportFailed(f"the file is cut off or damaged after {whole} whole entries") from error
        raise ImportFailed("this is no HAR file, or a file that was cut off") from error
    if not is_har:
        raise ImportFailed("this is JSON, but no HAR file: it has no list of entries in a log")


def _members_of_log(document: JsonStream) -> Iterator[str]:
    if not document.begins("{"):
        document.value()
        return
    for member in document.members():
        if member == "log" and document.begins("{"):
            yield from document.members()
        else:
            document.value()


def _version() -> str:
    try:
        return version("peertape")
    except PackageNotFoundError:  # run from a bare checkout
        return "0"
