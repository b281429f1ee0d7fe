"""What belongs to another worker is answered by that worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from peertape.addons.sockets import Receive, Scope, Send
from peertape.proxy.lanes.application import BrokenDeliveryError
from peertape.proxy.lanes.neighbours import Forwarding, Neighbours

POLL = {"type": "http", "method": "GET", "path": "/socket.io/", "client": ("203.0.113.7", 1), "headers": [(b"a", b"b")]}


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    with TemporaryDirectory(prefix="n-") as folder, closing(Neighbours(Path(folder), 2)) as made:
        yield made


class App:
    """Of one worker."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.heard: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.heard.append(await receive())
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            self.heard.append(await receive())
            await send({"type": "websocket.send", "text": "to you"})
            self.heard.append(await receive())
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"c", b"d")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        if b"broken" in self.heard[0]["body"]:
            raise BrokenDeliveryError("cut-body")
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def sid_of(neighbours: Neighbours, number: int) -> str:
    return next(sid for sid in map(str, range(100)) if neighbours.owner(sid) == number)


def asked(neighbours: Neighbours, apps: list[App], more: dict[str, Any], said: list[Scope]) -> list[Scope]:
    """Worker 0 is asked for what belongs to worker 1; what it answers."""
    sent: list[Scope] = []
    events = iter(said)

    async def receive() -> Scope:
        found = next(events, None)
        return found if found is not None else await asyncio.Future()

    async def send(event: Scope) -> None:
        sent.append(event)

    async def run() -> None:
        workers = [Forwarding(app, neighbours, number, lambda: None) for number, app in enumerate(apps)]
        async with workers[1].open_to_neighbours():
            await workers[0]({**POLL, **more}, receive, send)

    asyncio.run(run())
    return sent


def test_a_poll_is_passed_on_with_who_asks(neighbours: Neighbours) -> None:
    apps = [App(), App()]
    query = f"EIO=4&sid={sid_of(neighbours, 1)}".encode()
    body = {"type": "http.request", "body": b"40", "more_body": False}
    sent = asked(neighbours, apps, {"query_string": query}, [body])
    assert [event.get("status") or event["body"] for event in sent] == [200, b"half", b""]
    assert (apps[0].scopes, apps[1].heard) == ([], [body])
    (scope,) = apps[1].scopes
    assert (scope["client"], scope["headers"], scope["query_string"]) == (("203.0.113.7", 1), [(b"a", b"b")], query)


@pytest.mark.parametrize("query", ["sid={ours}", "EIO=4", "sid={theirs}&sid={ours}"])
def test_what_is_ours_or_nobodys_is_not(neighbours: Neighbours, query: str) -> None:
    apps = [App(), App()]
    query = query.format(ours=sid_of(neighbours, 0), theirs=sid_of(neighbours, 1))
    asked(neighbours, apps, {"query_string": query.encode()}, [{"type": "http.request", "body": b""}])
    assert (len(apps[0].scopes), len(apps[1].scopes)) == (1, 0)


def test_an_answer_that_breaks_off_breaks_off(neighbours: Neighbours) -> None:
    query = f"sid={sid_of(neighbours, 1)}".encode()
    with pytest.raises(BrokenDeliveryError):
        asked(neighbours, [App(), App()], {"query_string": query}, [{"type": "http.request", "body": b"broken"}])


def test_a_websocket_goes_both_ways(neighbours: Neighbours) -> None:
    apps = [App(), App()]
    said: list[Scope] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "to them"},
        {"type": "websocket.disconnect", "code": 1001},
    ]
    query = f"sid={sid_of(neighbours, 1)}".encode()
    sent = asked(neighbours, apps, {"type": "websocket", "query_string": query}, said)
    assert [event["type"] for event in sent] == ["websocket.accept", "websocket.send"]
    assert apps[1].heard == said


class Waiting:
    """An app with one socket, which ends when it is told to look."""

    def __init__(self) -> None:
        self.began, self.looked = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self.began.set()
        await self.looked.wait()


async def answering(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def nothing() -> Scope:
    return {"type": "http.request", "body": b""}


@pytest.mark.parametrize(("method", "is_told"), [("POST", True), ("GET", False)])
def test_who_waits_looks_before_a_change_is_answered(neighbours: Neighbours, method: str, is_told: bool) -> None:
    async def run() -> None:
        app = Waiting()
        theirs = Forwarding(app, neighbours, 1, app.looked.set)
        ours = Forwarding(answering, neighbours, 0, lambda: None)
        told: list[tuple[str, bool]] = []

        async def send(event: Scope) -> None:
            told.append((event["type"], app.looked.is_set()))

        async with theirs.open_to_neighbours():
            socket = asyncio.ensure_future(theirs({"type": "websocket", "path": "/tracker/socket"}, nothing, send))
            await app.began.wait()
            await ours({"type": "http", "method": method, "path": "/__peertape__/reset"}, nothing, send)
            assert told == [("http.response.start", is_told), ("http.response.body", is_told)]
            app.looked.set()
            await socket
        app.looked.clear()
        await ours({"type": "http", "method": method, "path": "/"}, nothing, send)  # nobody waits there any more
        assert not app.looked.is_set()

    asyncio.run(run())


def test_a_neighbour_that_has_ended_holds_nobody_up(neighbours: Neighbours) -> None:
    async def run() -> list[Scope]:
        sent: list[Scope] = []

        async def send(event: Scope) -> None:
            sent.append(event)

        neighbours.waiting[1] = 1
        neighbours.listeners[1].close()
        await Forwarding(answering, neighbours, 0, lambda: None)(
            {"type": "http", "method": "PUT", "path": "/"}, nothing, send
        )
        return sent

    assert len(asyncio.run(run())) == 2
