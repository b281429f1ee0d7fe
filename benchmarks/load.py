"""The load generator: wrk, which asks the requests of a file in turn, over connections that are kept alive."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workload import Ask

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT = 10  # seconds that an answer may take


class LoadError(Exception):
    """wrk did not run; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one load. Times in seconds. `refused`: answers of 400 and more; `broken`: connections, timeouts."""

    requests: int
    octets: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float
    slowest: float
    settled: float = 0.0  # until what was recorded was written, too

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return (self.requests - self.refused) / (self.seconds + self.settled)


def write_requests(asks: Iterable[Ask], authority: str, path: Path) -> Path:
    with path.open("wb") as file:
        for ask in asks:
            octets = ask.octets(authority)
            file.write(b"%d\n%s" % (len(octets), octets))
    return path


def run(wrk: str, authority: str, requests: Path, seconds: float, connections: int, start: int = 0) -> Load:
    """`start`: how many of the requests were asked before; they go round."""
    command = [wrk, "--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"]
    command += [
        "--timeout",
        f"{TIMEOUT}s",
        "--script",
        str(SCRIPT),
        f"http://{authority}",
        "--",
        str(requests),
        str(start),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode or not told.startswith("{"):
        raise LoadError(f"wrk failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return Load(**json.loads(told))
