"""To which addresses a named host may lead. Names are resolved by the test: nothing is looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpcore
import pytest

from peertape.addons.addresses import Addresses, Backend, OffLimitsError

FAR = "https://tube.example"
NAMES = {
    "tube.example": ["93.184.216.34"],
    "near.example": ["127.0.0.1"],
    "files.example": ["93.184.216.35", "2606:2800:220:1::1"],
    "mixed.example": ["10.0.0.1", "93.184.216.35"],
    "metadata.example": ["169.254.169.254"],
}


async def resolve(host: str, port: int) -> Sequence[str]:  # noqa: ARG001
    if host == "unknown.example":
        raise OSError("no such name")
    return NAMES.get(host, [host])


def of(addresses: Addresses, host: str) -> list[str]:
    return asyncio.run(addresses.of(host, 443))


def test_public_addresses() -> None:
    assert of(Addresses(FAR, resolve=resolve), "files.example") == NAMES["files.example"]
    assert of(Addresses(FAR, resolve=resolve), "mixed.example") == ["93.184.216.35"]


@pytest.mark.parametrize(
    "host",
    [
        "near.example",
        "metadata.example",
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_for_others_to_name(host: str) -> None:
    with pytest.raises(OffLimitsError, match="--allow-host"):
        of(Addresses(FAR, resolve=resolve), host)
    assert of(Addresses(FAR, [host], resolve), host)


@pytest.mark.parametrize("upstream", ["http://127.0.0.1:9000", "http://[::1]:9000", "http://near.example"])
def test_where_the_instance_is_near_others_may_be(upstream: str) -> None:
    addresses = Addresses(upstream, resolve=resolve)
    for host in ("127.0.0.1", "192.168.1.1", "::1", "near.example", "files.example"):
        assert of(addresses, host)
    for host in ("169.254.169.254", "metadata.example", "0.0.0.0", "fe80::1", "224.0.0.1"):
        with pytest.raises(OffLimitsError):
            of(addresses, host)


def test_an_allowed_address_allows_the_names_that_lead_to_it() -> None:
    assert of(Addresses(FAR, ["127.0.0.1"], resolve), "near.example") == ["127.0.0.1"]
    assert of(Addresses(FAR, ["[::1]"], resolve), "::1") == ["::1"]


def test_a_connection_is_opened_to_the_address_that_was_looked_at() -> None:
    async def connect(backend: Backend, host: str) -> None:
        stream = await backend.connect_tcp(host, port)
        await stream.aclose()

    async def listen() -> None:
        nonlocal port
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await connect(Backend(Addresses("http://near.example", resolve=resolve)), "near.example")
            with pytest.raises(OffLimitsError):
                await connect(Backend(Addresses(FAR, resolve=resolve)), "near.example")
            with pytest.raises(httpcore.ConnectError):
                await connect(Backend(Addresses(FAR, resolve=resolve)), "unknown.example")

    port = 0
    asyncio.run(listen())
