"""What SQLite, or the system, says about a file: as a sentence for the user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from peertape.cassettes import errors


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite or the system says into an error with a sentence for the user."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise sentence_for(path, cause) from error


def sentence_for(path: Path, cause: BaseException) -> errors.CassetteError:
    text = f"{cause} {getattr(cause, 'sqlite_errorname', '')}".lower()
    if "ioerr_write" in text or "ioerr_fsync" in text or "ioerr_truncate" in text:
        return errors.DiskFull(
            f"{path} cannot be written any further: the disk, a quota or a limit to its size is reached."
        )
    if "full" in text or "no space left" in text or "quota" in text or "file too large" in text:
        return errors.DiskFull(f"There is no room left on the disk for {path}.")
    if "readonly" in text or "read-only" in text or "permission" in text:
        return errors.CassetteReadOnly(f"{path} cannot be written: the file or its folder is read-only.")
    if "locked" in text or "busy" in text:
        return errors.CassetteBusy(f"{path} is being recorded into by another process; stop that one or name another.")
    if any(sign in text for sign in ("malformed", "not a database", "corrupt", "no such table", "no such column")):
        return errors.CassetteCorrupted(f"{path} is damaged: {cause}.")
    if "unable to open" in text or "no such file" in text:
        return errors.CassetteMissing(f"{path} cannot be opened: {cause}.")
    return errors.CassetteError(f"{path}: {cause}.")
