"""peertape itself, as its users start it. Its rate limits are on, and so high that they refuse nobody."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.peer import Answer, Launch, Peer
from benchmarks.workload import Ask, Workload

PROGRAM = Path(sys.executable).with_name("peertape")
_OTHER_HOSTS = rb"%s/__peertape__/host/(https?)/"  # links to them lead through peertape: `docs/hosts.md`
LIMITS = "rates_limit:\n  scale: 10000000\n"


@dataclass(frozen=True, slots=True)
class Peertape(Peer):
    """`lane`: the command, `serve` or `replay`."""

    lane: str
    workers: int = 1

    @property
    def name(self) -> str:
        return self.lane if self.workers == 1 else f"{self.lane}-{self.workers}"

    @property
    def title(self) -> str:
        return f"peertape {self.lane}" + (f", {self.workers} workers" if self.workers > 1 else "")

    def version(self) -> str:
        return version("peertape")

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        limits = folder / "limits.yaml"
        limits.write_text(LIMITS, "utf-8")
        workers = ["--workers", str(self.workers)] if self.workers > 1 else []
        return Launch(
            [PROGRAM, self.lane, workload.cassette, "--listen", f"127.0.0.1:{port}", "--limits", limits, *workers],
            {"HOME": str(folder)},
        )

    def wrong(self, ask: Ask, answer: Answer, workload: Workload, origin: str) -> str | None:
        source = answer.headers.get("peertape-source", "")
        if not source.startswith("recorded"):
            return f"an answer that is not recorded, but {source or 'without source'}"
        if "x-ratelimit-limit" in ask.response.headers and "x-ratelimit-remaining" not in answer.headers:
            return "no rate limit"
        through = re.sub(_OTHER_HOSTS % re.escape(origin.encode()), rb"\1://", answer.body)
        return Peer.wrong(self, ask, replace(answer, body=through), workload, origin)
