"""The limits of the fast lane: applications on its own server, with its own settings, that do next to nothing."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.peer import Answer, Launch, Peer, end_to_end
from benchmarks.workload import Ask, Workload

PROJECT = Path(__file__).parents[2]
ANSWERS = "answers.pickle"


@dataclass(frozen=True, slots=True)
class Granian(Peer):
    """An application that always says the same two octets; or, `holding` the exchanges, one that looks each up."""

    holding: bool = False

    @property
    def name(self) -> str:
        return "granian-dictionary" if self.holding else "granian-empty"

    @property
    def title(self) -> str:
        return "granian, answers in a dictionary" if self.holding else "granian, empty application"

    def version(self) -> str:
        return version("granian")

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        command = [sys.executable, "-m", "benchmarks.peers.granian_application", str(port)]
        if self.holding:
            answers = {
                ask.target.encode("latin-1"): (end_to_end(ask.response.headers).lower().to_bytes(), ask.body)
                for ask in workload.asks
            }
            (folder / ANSWERS).write_bytes(pickle.dumps(answers))
            command.append(str(folder / ANSWERS))
        return Launch(command, {"PYTHONPATH": str(PROJECT)})

    def wrong(self, ask: Ask, answer: Answer, workload: Workload, origin: str) -> str | None:
        if self.holding:
            return Peer.wrong(self, ask, answer, workload, origin)
        return None if (answer.status, answer.body) == (200, b"{}") else f"status {answer.status}"
