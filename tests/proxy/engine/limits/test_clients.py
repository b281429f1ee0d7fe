"""For which address a request counts."""

from __future__ import annotations

import pytest

from peertape.cassettes.headers import Headers
from peertape.config.trust import networks
from peertape.proxy.engine.limits.clients import client_address
from peertape.proxy.engine.model import Request


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["192.0.2.9, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["192.0.2.9, 192.0.2.1, ::1"], "192.0.2.1"),
        ("127.0.0.1", ["192.0.2.9", "192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["127.0.0.3 ,127.0.0.2"], "127.0.0.3"),
        ("127.0.0.1", [" , ,192.0.2.1,"], "192.0.2.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["unknown"], "unknown"),
        ("127.0.0.1", ["x" * 9000], "x" * 64),
        ("198.51.100.1", ["192.0.2.1"], "198.51.100.1"),
        ("", ["192.0.2.1"], ""),
    ],
)
def test_client_address(peer: str, forwarded: list[str], address: str) -> None:
    headers = Headers.of(("X-Forwarded-For", value) for value in forwarded)
    request = Request("GET", "/", headers, client=peer)
    assert client_address(request, networks(["loopback"])) == address
