"""Both lanes beside each other: the same requests, and whether the answers are the same header for header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from support.process import Peertape

from peertape.cassettes.bodies import read
from peertape.cassettes.model import Exchange

TOKEN = "lanes"
OPTIONS = ("--limits", "peertube*1000000", "--prepared", "1M")
OF_THE_CONNECTION = {"connection", "keep-alive", "proxy-connection", "transfer-encoding"}
OF_GRANIAN = {"server", "date"}  # it adds them where an answer has none, and cannot be told not to (its issue 594)
HOST = "lanes.localhost:8990"

Answer = tuple[int, list[tuple[str, str]], bytes]


def aligned(*lanes: Peertape) -> None:
    """Stops their clocks at one moment, since answers tell the time."""
    moments = [_moment(lane.control("clock", TOKEN, {"freeze": True}, HOST)) for lane in lanes]
    latest = max(moments)
    for lane, moment in zip(lanes, moments, strict=True):
        lane.control("clock", TOKEN, {"advance": (latest - moment).total_seconds()}, HOST)


def _moment(told: Any) -> datetime:
    return datetime.fromisoformat(told["now"])


def differences(exchanges: Sequence[Exchange], proxy: Peertape, fast: Peertape) -> Iterator[str]:
    """What is not the same in the answers to recorded requests, each asked in turn of both."""
    for exchange in exchanges:
        request = exchange.request
        if exchange.response is None or exchange.response.status == 101:
            continue
        slow, quick = (_asked(lane, exchange) for lane in (proxy, fast))
        lacking = OF_GRANIAN - {name for name, _ in slow[1]}
        quick[1][:] = [(name, value) for name, value in quick[1] if name not in lacking]
        if slow != quick:
            yield f"{exchange.id} {request.method} {request.target}\n  {_told(slow)}\n  {_told(quick)}"


def _asked(lane: Peertape, exchange: Exchange) -> Answer:
    request = exchange.request
    body = read(request.body)
    fields = [pair for pair in request.headers if pair[0].lower() not in {*OF_THE_CONNECTION, "host", "content-length"}]
    length = [("Content-Length", str(len(body)))] if body or request.method in ("POST", "PUT", "PATCH") else []
    lines = [f"{name}: {value}" for name, value in (("Host", HOST), *fields, *length, ("Connection", "close"))]
    wire = lane.connect()
    try:
        wire.send("\r\n".join((f"{request.method} {request.target} HTTP/1.1", *lines, "", "")))
        wire.send(body)
        head, content = wire.message(bodiless=request.method == "HEAD")
    finally:
        wire.close()
    pairs = [(name.lower(), value) for name, value in head.headers if name.lower() not in OF_THE_CONNECTION]
    return head.status, pairs, content


def _told(answer: Answer) -> str:
    status, pairs, body = answer
    return f"{status} {pairs} {len(body)} octets {body[:80]!r}"
