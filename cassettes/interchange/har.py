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
from peertape.cassettes.interchange.report import ImportReport, Progress
from peertape.cassettes.model import Exchange


def read_har(
    file: BinaryIO, report: ImportReport | None = None, progress: Progress | None = None, beside: Path | None = None
) -> Iterator[Exchange]:
    """Every HTTP entry of the file as an exchange, in the file's order.

    `beside` is the folder where Playwright put the bodies that it did not embed. The JSON is held in memory, so
    that progress within the file is an estimate. ImportFailed if it is no HAR, or at the first broken entry.
    """
    report = report or ImportReport()
    entries, size = _entries(file)
    total = len(entries)
    entries.reverse()
    while entries:
        number = total - len(entries) + 1
        try:
            exchange = exchange_of(entries.pop(), beside, report)  # popped: it need not stay in memory
        except NotAnExchange as reason:
            report.skipped[str(reason)] += 1
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            raise ImportFailed(f"entry {number} of {total} cannot be understood: {error}") from error
        else:
            yield report.took(exchange)
        if progress:
            progress(size * number // total)


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


def _entries(file: BinaryIO) -> tuple[list[Any], int]:
    data = file.read()
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ImportFailed(f"this is no HAR file, or a file that was cut off: {error}") from error
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise ImportFailed("this is JSON, but no HAR file: it has no list of entries in a log")
    return entries, len(data)


def _version() -> str:
    try:
        return version("peertape")
    except PackageNotFoundError:  # run from a bare checkout
        return "0"
