"""What a process and all that it started hold and use, from Linux's /proc; elsewhere nothing is known."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

WINDOW = 0.1  # seconds
IDLE = 0.2  # of a core

_TICKS = os.sysconf("SC_CLK_TCK")  # per second


def memory(leader: int) -> int:
    """Octets that a session of processes holds; what they share is counted once."""
    return sum(_proportional_size(pid) for pid, _ in _session(leader))


def settled(leader: int, patience: float) -> float:
    """Waits until a session of processes has nothing more to do; the seconds that this took."""
    begin = time.perf_counter()
    used, at = _used(leader), begin
    while at - begin < patience:
        time.sleep(WINDOW)
        now, then = _used(leader), time.perf_counter()
        if now - used < IDLE * (then - at):
            return at - begin
        used, at = now, then
    return at - begin


def _used(leader: int) -> float:
    """Seconds of processor time."""
    return sum(ticks for _, ticks in _session(leader)) / _TICKS


def _session(leader: int) -> Iterator[tuple[int, int]]:
    """The processes that are of the session of `leader`, and their ticks of processor time (proc(5), `stat`)."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            fields = status.read_text("latin-1").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                yield int(status.parent.name), int(fields[11]) + int(fields[12])


def _proportional_size(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
