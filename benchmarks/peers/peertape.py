"""peertape itself, as its users start it. Its rate limits are on, and so high that they refuse nobody."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.peer import Answer, Launch, Peer
from benchmarks.workload import Ask, Workload
from peertape.cassettes.store import Cassette

PROGRAM = Path(sys.executable).with_name("peertape")
CASSETTE = "recorded.cassette"
LIMITS = "rates_limit:\n  scale: 10000000\n"


@dataclass(frozen=True, slots=True)
class Record(Peer):
    """In front of an upstream; all that is answered is on the disk in the end."""

    @property
    def name(self) -> str:
        return "record"

    @property
    def title(self) -> str:
        return "peertape record"

    def version(self) -> str:
        return version("peertape")

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        options = ["--upstream", workload.upstream, "--public-url", workload.origin]
        return _launch(folder, "record", "--cassette", folder / CASSETTE, "--listen", f"127.0.0.1:{port}", *options)

    def wrong(self, ask: Ask, answer: Answer, workload: Workload, origin: str) -> str | None:
        if (source := answer.headers.get("peertape-source")) != "live":
            return f"an answer that is not live, but {source}"
        return Peer.wrong(self, ask, _without_detours(answer, origin), workload, origin)

    def left_wrong(self, folder: Path, answered: int) -> str | None:
        cassette = Cassette(folder / CASSETTE)
        try:
            recorded = cassette.count()
        finally:
            cassette.close()
        return None if recorded >= answered else f"recorded {recorded} exchanges of at least {answered}"


@dataclass(frozen=True, slots=True)
class Replay(Peer):
    """`lane`: the command, `serve` or `replay`."""

    lane: str
    workers: int = 1

    @property
    def name(self) -> str:
        return self.lane if self.workers == 1 else f"{self.lane}-{self.workers}"

    @property
    def title(self) -> str:
        return f"peertape {self.lane}" + (f", {self.workers} workers" if self.workers > 1 else "")

    @property
    def passes(self) -> int:
        """Each worker keeps its own, and the kernel deals the connections out."""
        return 1 if self.workers == 1 else 3 * self.workers

    def version(self) -> str:
        return version("peertape")

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        limits = folder / "limits.yaml"
        limits.write_text(LIMITS, "utf-8")
        workers = ["--workers", str(self.workers)] if self.workers > 1 else []
        options: list[str | Path] = ["--listen", f"127.0.0.1:{port}", "--limits", limits, *workers]
        return _launch(folder, self.lane, workload.cassette, *options)

    def stored(self, workload: Workload, _folder: Path) -> int:
        return workload.cassette.stat().st_size

    def wrong(self, ask: Ask, answer: Answer, workload: Workload, origin: str) -> str | None:
        source = answer.headers.get("peertape-source", "")
        if not source.startswith("recorded"):
            return f"an answer that is not recorded, but {source or 'without source'}"
        if "x-ratelimit-limit" in ask.response.headers and "x-ratelimit-remaining" not in answer.headers:
            return "no rate limit"
        return Peer.wrong(self, ask, _without_detours(answer, origin), workload, origin)


def _launch(folder: Path, *arguments: str | Path) -> Launch:
    """With a home of its own, so that the user's settings and certificates have no say."""
    return Launch([PROGRAM, *arguments], {"HOME": str(folder)})


def _without_detours(answer: Answer, origin: str) -> Answer:
    """With links to other hosts as they were recorded: they lead through peertape (`docs/hosts.md`)."""
    detour = rb"%s/__peertape__/host/(https?)/" % re.escape(origin.encode())
    return replace(answer, body=re.sub(detour, rb"\1://", answer.body))
