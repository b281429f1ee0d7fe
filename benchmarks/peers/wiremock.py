"""WireMock: a mock server on the JVM, which tries its stub mappings one after the other."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

from benchmarks import cache
from benchmarks.peers.peer import Conditions, Launch, Peer, end_to_end
from benchmarks.workload import Ask, Workload

VERSION = "3.13.2"


@dataclass(frozen=True, slots=True)
class WireMock(Peer):
    """With all the exchanges, or with a single small one."""

    conditions: Conditions
    single: bool = False

    @property
    def name(self) -> str:
        return "wiremock-single" if self.single else "wiremock"

    @property
    def title(self) -> str:
        return "WireMock, one mapping" if self.single else "WireMock"

    def version(self) -> str:
        return VERSION

    def asked(self, workload: Workload) -> Sequence[Ask]:
        return [min(workload.asks, key=lambda ask: len(ask.body))] if self.single else workload.asks

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        installed = cache.npm(self.conditions.cache, "wiremock", VERSION, install=self.conditions.install)
        jar = next(installed.rglob("wiremock-standalone-*.jar"))
        mappings = folder / "mappings"
        mappings.mkdir()
        held = self.asked(workload) if self.single else workload.everything()
        for number, some in enumerate(batched(held, 1000)):
            told = {"mappings": [_mapping(ask) for ask in some]}
            (mappings / f"{number}.json").write_text(json.dumps(told), "utf-8")
        address = ["--bind-address", "127.0.0.1", "--port", str(port)]
        fastest = ["--no-request-journal", "--disable-gzip", "--disable-banner"]
        return Launch([cache.java(self.conditions.cache), "-jar", jar, *address, "--root-dir", folder, *fastest])


def _mapping(ask: Ask) -> dict[str, object]:
    headers: dict[str, list[str]] = {}
    for name, value in end_to_end(ask.response.headers):
        headers.setdefault(name, []).append(value)
    return {
        "request": {"method": "GET", "url": ask.target},
        "response": {
            "status": ask.response.status,
            "headers": headers,
            "base64Body": base64.b64encode(ask.body).decode("ascii"),
        },
    }
