"""Prism: a mock server on Node that answers with the examples of an OpenAPI description.

In a description no query chooses an answer; so it gets recorded documents whose path no other has. And few of them: it
looks through its paths for every request, so that with all of them no answer comes within seconds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cache
from benchmarks.peers.peer import Answer, Conditions, Launch, Peer
from benchmarks.workload import Ask, Workload

VERSION = "5.16.0"
MOST = 500  # documents
KIND = "application/json"


@dataclass(frozen=True, slots=True)
class Prism(Peer):
    conditions: Conditions

    @property
    def name(self) -> str:
        return "prism"

    @property
    def title(self) -> str:
        return f"Prism, {MOST} documents"

    def version(self) -> str:
        return VERSION

    def asked(self, workload: Workload) -> Sequence[Ask]:
        times = Counter(ask.path for ask in workload.asks)
        return [ask for ask in workload.asks if times[ask.path] == 1 and _is_document(ask)][:MOST]

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        installed = cache.npm(self.conditions.cache, "@stoplight/prism-cli", VERSION, install=self.conditions.install)
        description = folder / "openapi.json"
        description.write_text(json.dumps(_description(self.asked(workload))), "utf-8")
        program = installed / "node_modules" / ".bin" / "prism"
        options = ["--host", "127.0.0.1", "--port", str(port), "--verboseLevel", "silent"]
        return Launch([program, "mock", description, *options])

    def wrong(self, ask: Ask, answer: Answer, workload: Workload, origin: str) -> str | None:
        """Documents are compared by meaning: it writes them anew."""
        if answer.status == 200 and json.loads(answer.body) == json.loads(ask.body):
            return None
        return Peer.wrong(self, ask, answer, workload, origin)


def _is_document(ask: Ask) -> bool:
    return (ask.response.headers.get("content-type") or "").startswith(KIND)


def _description(asks: Sequence[Ask]) -> dict[str, object]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "recorded", "version": "1"},
        "paths": {ask.path: {"get": {"responses": {"200": _response(ask)}}} for ask in asks},
    }


def _response(ask: Ask) -> dict[str, object]:
    return {"description": "as recorded", "content": {KIND: {"example": json.loads(ask.body)}}}
