"""Where files lie: who is believed, and what is remembered of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from sqlalchemy import insert
from support.engines import both

from peertape.cassettes import schema
from peertape.cassettes.model import Exchange
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

Make = Callable[..., Exchange]
Open = Callable[..., CassetteWriter]
Read = Callable[[], Cassette]

JSON = (("Content-Type", "application/json"),)
NAMED = json.dumps({"fileUrl": "http://s3.example:9000/1", "trackerUrls": ["wss://tube.example/x"]}).encode()
HLS = (("Content-Type", "application/vnd.apple.mpegurl"),)


def asked_at(url: str, exchange: Exchange) -> Exchange:
    parts = urlsplit(url)
    request = replace(exchange.request, scheme=parts.scheme, authority=parts.netloc, target=parts.path)
    return replace(exchange, request=request)


@both
def test_named_places_are_remembered(make_exchange: Make, writing: Open, opened: Read) -> None:
    for host in ("b.example", "a.example:8080"):
        writer = writing()
        body = json.dumps({"fileUrl": f"http://{host}/1"}).encode()
        writer.add(make_exchange("/api/v1/videos/1", body, response=JSON))
        writer.close()
    assert opened().meta()["named_origins"] == "http://a.example:8080 http://b.example"
    assert {str(origin) for origin in opened().named_origins()} == {"http://a.example:8080", "http://b.example"}
    assert writing().named_hosts == {"a.example", "b.example"}


@both
def test_only_the_instance_names_places_and_those_that_it_named(make_exchange: Make, writing: Open) -> None:
    writer = writing(upstream="http://tube.example")

    def named() -> set[str]:
        return {str(origin) for origin in writer.named_origins}

    playlist = b"#EXTM3U\n//cdn.example/1.ts"
    writer.add(asked_at("http://foreign.example/api/v1/videos/1", make_exchange(body=NAMED, response=JSON)))
    writer.add(asked_at("http://s3.example:9000/1.m3u8", make_exchange(body=playlist, response=HLS)))
    assert named() == set()
    writer.add(make_exchange("/api/v1/videos/1", NAMED, response=JSON))
    assert named() == {"http://s3.example:9000", "https://tube.example"}
    writer.add(asked_at("https://s3.example:9000/1.m3u8", make_exchange(body=playlist, response=HLS)))  # by https
    writer.add(
        asked_at("http://s3.example:9000/api/v1/1", make_exchange(body=NAMED.replace(b"s3", b"s4"), response=JSON))
    )
    assert named() == {"http://s3.example:9000", "https://tube.example"}
    writer.add(asked_at("http://s3.example:9000/1.m3u8", make_exchange(body=playlist, response=HLS)))
    assert named() == {"http://s3.example:9000", "https://tube.example", "http://cdn.example"}
    there = (("Location", "https://far.example/1.ts"),)
    writer.add(asked_at("http://cdn.example/1.ts", make_exchange(body=b"", status=302, response=there)))
    assert "https://far.example" in named()


@both
@pytest.mark.parametrize(
    ("target", "location", "is_named"),
    [
        ("/download/web-videos/1.mp4", "https://s3.example/1?X-Amz-Signature=1", True),
        ("/download/web-videos/1.mp4", "https://user@s3.example/1", False),
        ("/plugins/auth/router/login", "https://s3.example/1", False),
    ],
)
def test_redirects_name_places(make_exchange: Make, writing: Open, target: str, location: str, is_named: bool) -> None:
    writer = writing()
    writer.add(make_exchange(target, b"", status=302, response=(("Location", location),)))
    assert writer.named_hosts == ({"s3.example"} if is_named else set())


@both
def test_what_an_older_peertape_knew_of_hosts(make_exchange: Make, writing: Open, opened: Read) -> None:
    writer = writing()
    writer.storage.connection.execute(insert(schema.meta), {"name": "named_hosts", "value": "a.example b.example"})
    writer.close()
    writer = writing()
    writer.add(make_exchange("/api/v1/videos/1", b'{"fileUrl":"http://c.example/"}', response=JSON))
    assert writer.named_hosts == {"a.example", "b.example", "c.example"}
    writer.close()
    assert [str(origin) for origin in opened().named_origins()] == ["http://c.example"]
