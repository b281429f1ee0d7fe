"""`--journal FILE`: every answer as a line of JSON."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from peertape.config.settings import SettingsError
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.stages.source import Observer
from peertape.proxy.lanes.lane import ONCE

logger = logging.getLogger(__name__)


@contextmanager
def journal_file(path: Path, *, append: bool) -> Iterator[Observer]:
    """Writes every entry; when the disk is full, says so once and goes on without.

    Processes that append to one file, each line in one go, do not write into each other's lines (POSIX, `write`).
    """
    try:
        file = FileIO(path, "ab" if append else "wb", opener=_appending)
    except OSError as error:
        raise SettingsError(f"The journal {path} cannot be written: {error.strerror}.") from error
    with file:
        failed = False

        def write(entry: Entry) -> None:
            nonlocal failed
            if failed:
                return
            try:
                file.write((json.dumps(entry.as_json(), ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))
            except OSError as error:
                failed = True
                logger.error("THE JOURNAL STOPPED: %s cannot be written: %s.", path, error.strerror, extra=ONCE)  # noqa: TRY400

        yield write


def _appending(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_APPEND, 0o666)
