"""The fast lane answers what the proxy lane answers, header for header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from support.lanes import OPTIONS, TOKEN, aligned, differences

from peertape.cassettes import demo
from peertape.cassettes.model import Exchange
from peertape.cassettes.store import Cassette


def test_every_kind_of_answer_of_the_demo(peertape: Callable[..., Any]) -> None:
    environment = {"PEERTAPE_TOKEN": TOKEN}
    proxy = peertape("replay", *OPTIONS[:2], environment=environment)
    fast = peertape("serve", *OPTIONS, environment=environment)
    aligned(proxy, fast)
    cassette = Cassette(demo.path())
    try:
        asked = list(kinds(cassette))
        assert len(asked) > 50
        twice = [*asked, *(exchange for exchange in asked if exchange.request.method in ("GET", "HEAD"))]
        found = [*differences(twice, proxy, fast)]
        assert not found, "\n".join(found)
    finally:
        cassette.close()


def kinds(cassette: Cassette) -> Iterator[Exchange]:
    """One exchange of each method, status and set of header names."""
    seen = set()
    for exchange in cassette.exchanges():
        if exchange.response is None:
            continue
        kind = (
            exchange.request.method,
            exchange.response.status,
            tuple(name for name, _ in exchange.response.headers),
        )
        if kind not in seen:
            seen.add(kind)
            yield exchange
