"""Reading a copy of a file that cannot be read, or brought up to date, where it lies."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, event

from peertape.cassettes.sqlite.connecting import log_of, reading_engine


def needs_copy(path: Path) -> bool:
    """A log can only be read where SQLite can make the index to it: not so in a read-only place without one."""
    index = path.with_name(path.name + "-shm")
    return log_of(path).exists() and not index.exists() and not os.access(path.parent, os.W_OK)


def copied(path: Path, prepare: Callable[[Path], None] = lambda _copy: None) -> Engine:
    """Reads a copy, after it was prepared; it vanishes with the engine."""
    folder = Path(tempfile.mkdtemp(prefix="peertape-"))
    try:
        copy = folder / path.name
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        prepare(copy)
        engine = reading_engine(copy)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    @event.listens_for(engine, "engine_disposed")
    def clean(_engine: Engine) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    return engine
