"""Sizes of pages, and free ones: a small cassette lies in repositories, a large one is read fast."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Engine

from peertape.cassettes.sqlite.connecting import pragma, set_pragmas

PAGE = 4096  # octets: SQLite's default
# Of a file that nobody writes, up to so many octets: what its pages have. Of a small one most are half empty.
SMALL_PAGES = {256 * 1024: 512, 1024 * 1024: 1024}
WASTED = 0.1  # the share of free pages from which on a file is copied without them
COPIED_SOON = 256 * 1024 * 1024  # up to this size


def enlarge_pages(engine: Engine) -> None:
    """Films are read faster from large pages. If somebody reads the file just now, they stay small."""
    if pragma(engine, "page_size") not in SMALL_PAGES.values():
        return
    try:
        _vacuum(engine, PAGE)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise


def compact(engine: Engine) -> None:
    """Gives back what nothing lies in: of a small file by smaller pages, as it lies in repositories; of a larger one
    what was recorded in vain, unless to copy it would take long.
    """
    size, pages, free = (pragma(engine, name) for name in ("page_size", "page_count", "freelist_count"))
    small = next((page for largest, page in SMALL_PAGES.items() if size * pages <= largest), None)
    if (small is not None and size > small) or (free > pages * WASTED and size * pages <= COPIED_SOON):
        _vacuum(engine, small or PAGE)


def _vacuum(engine: Engine, page_size: int) -> None:
    set_pragmas(engine, f"page_size = {page_size}", then="VACUUM")
