"""How many connections a process takes at once."""

from __future__ import annotations

import sys
from contextlib import suppress

BACKLOG = 1024  # connections that wait to be taken
MOST = 10_000
SPARE = 256  # files that are no connections: cassettes, the journal, other workers


def most_connections() -> int:
    """As many as the system lets it have files open, which is raised for that as far as the user may.

    granian alone takes 128, and whoever comes then waits until one of them leaves, though all may be idle.
    """
    if sys.platform == "win32":
        return MOST
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + SPARE if hard == resource.RLIM_INFINITY else min(MOST + SPARE, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS may have another limit besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, max(soft - SPARE, soft // 2))
