"""The fast lane's server."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import httpx
import pytest

from peertape.addons.sockets import Receive, Scope, Send
from peertape.proxy.lanes.endpoint import Listening
from peertape.proxy.lanes.fast import serve
from peertape.proxy.lanes.loop import EventLoop

ENOUGH = 1000  # requests, of which most find the loop asleep


@pytest.mark.skipif(sys.platform == "win32", reason="the loop lends nothing there")
def test_what_is_done_in_one_step_need_not_wait_for_the_loop(tmp_path: Path) -> None:
    firsts: set[int] = set()
    seconds: set[int] = set()

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        firsts.add(threading.get_ident())
        if scope["path"] == "/more":
            await asyncio.sleep(0)
            seconds.add(threading.get_ident())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["raw_path"]})

    def ask(origin: str) -> None:
        with httpx.Client(base_url=origin, transport=httpx.HTTPTransport(retries=5)) as client:
            for _ in range(ENOUGH):
                for path in ("/one", "/more"):
                    assert client.get(path).text == path
                if firsts - seconds:
                    return

    async def work() -> None:
        with Listening(("127.0.0.1", 0), False, (), str(tmp_path)).endpoint() as endpoint:
            stop = asyncio.Event()
            serving = asyncio.ensure_future(serve(application, endpoint, stop))
            host, port = endpoint.reached
            await asyncio.to_thread(ask, f"http://{host}:{port}")
            stop.set()
            await serving

    asyncio.run(work(), loop_factory=EventLoop)
    assert seconds == {threading.get_ident()}
    assert firsts - seconds
