"""`python -m benchmarks.peers.granian_application PORT [ANSWERS]`: see `granian.py`."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from peertape.proxy.lanes.connections import BACKLOG, most_connections
from peertape.proxy.lanes.lane import stopped_by_signals

Fields = list[tuple[bytes, bytes]]
Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def empty(_scope: Scope, _receive: object, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


def holding(answers: Mapping[bytes, tuple[Fields, bytes]]) -> Callable[[Scope, object, Send], Awaitable[None]]:
    async def application(scope: Scope, _receive: object, send: Send) -> None:
        query = scope["query_string"]
        headers, body = answers[scope["raw_path"] + b"?" + query if query else scope["raw_path"]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def main(port: int, answers: Path | None) -> None:
    application = empty if answers is None else holding(pickle.loads(answers.read_bytes()))
    server = Server(
        application,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        backlog=BACKLOG,
        backpressure=most_connections(),
        log_enabled=False,
    )
    with stopped_by_signals(server.stop):
        await server.serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
