"""Mockoon: a mock server on Node. Each path is a route, whose answers have rules for the query."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

from benchmarks import cache
from benchmarks.peers.peer import Conditions, Launch, Peer, end_to_end
from benchmarks.workload import Ask, Workload

VERSION = "9.9.0"
MIGRATION = 33  # of the format of its environments


@dataclass(frozen=True, slots=True)
class Mockoon(Peer):
    conditions: Conditions

    @property
    def name(self) -> str:
        return "mockoon"

    @property
    def title(self) -> str:
        return "Mockoon"

    def version(self) -> str:
        return VERSION

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        installed = cache.npm(self.conditions.cache, "@mockoon/cli", VERSION, install=self.conditions.install)
        environment = folder / "environment.json"
        environment.write_text(json.dumps(_environment(workload.asks, folder, port)), "utf-8")
        options = ["--disable-log-to-file", "--disable-admin-api", "--max-transaction-logs", "0", "--repair"]
        program = installed / "node_modules" / ".bin" / "mockoon-cli"
        return Launch([program, "start", "--data", environment, "--hostname", "127.0.0.1", *options])


def _environment(asks: Sequence[Ask], folder: Path, port: int) -> dict[str, object]:
    by_path: dict[str, list[Ask]] = defaultdict(list)
    for ask in asks:
        by_path[ask.path].append(ask)
    routes = [_route(path, found, folder) for path, found in by_path.items()]
    return {
        "uuid": _uuid("environment"),
        "lastMigration": MIGRATION,
        "name": "recorded",
        "port": port,
        "hostname": "127.0.0.1",
        "endpointPrefix": "",
        "latency": 0,
        "routes": routes,
        "rootChildren": [{"type": "route", "uuid": route["uuid"]} for route in routes],
        "folders": [],
        "headers": [],
        "cors": False,
        "data": [],
        "callbacks": [],
    }


def _route(path: str, asks: Sequence[Ask], folder: Path) -> dict[str, object]:
    return {
        "uuid": _uuid(path),
        "type": "http",
        "documentation": "",
        "method": "get",
        "endpoint": path[1:],
        "responses": [_response(ask, folder, only=len(asks) == 1) for ask in asks],
        "responseMode": None,
    }


def _response(ask: Ask, folder: Path, *, only: bool) -> dict[str, object]:
    rules = [] if only else [_rule(name, value) for name, value in parse_qsl(ask.query, keep_blank_values=True)]
    return {
        "uuid": _uuid(ask.target),
        "label": "",
        "statusCode": 200,
        "latency": 0,
        "headers": [{"key": name, "value": value} for name, value in end_to_end(ask.response.headers)],
        **_body(ask, folder),
        "disableTemplating": True,
        "rules": rules,
        "rulesOperator": "AND",
        "fallbackTo404": False,
        "default": only,
        "databucketID": "",
        "crudKey": "id",
        "callbacks": [],
    }


def _body(ask: Ask, folder: Path) -> dict[str, object]:
    """Text stands in the environment; what is none, in a file beside it."""
    try:
        return {"bodyType": "INLINE", "body": ask.body.decode("utf-8"), "filePath": "", "sendFileAsBody": False}
    except UnicodeDecodeError:
        path = folder / _uuid(ask.target)
        path.write_bytes(ask.body)
        return {"bodyType": "FILE", "body": "", "filePath": str(path), "sendFileAsBody": True}


def _rule(name: str, value: str) -> dict[str, object]:
    return {"target": "query", "modifier": name, "value": value, "operator": "equals", "invert": False}


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))
