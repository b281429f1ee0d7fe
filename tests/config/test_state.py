"""Where sessions are kept together, as users write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from peertape.config.state import RedisAddress, SqliteAddress, address


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("redis://host", RedisAddress("redis://host", "redis://host")),
        (
            "rediss://me:word@host:7000/2?prefix=a&ttl=60",
            RedisAddress("rediss://me:word@host:7000/2", "rediss://me:***@host:7000/2", "a", 60),
        ),
        ("redis://:word@host?db=3", RedisAddress("redis://:word@host?db=3", "redis://:***@host")),
        ("unix:///run/redis.sock?prefix=b", RedisAddress("unix:///run/redis.sock", "unix:///run/redis.sock", "b")),
        ("sqlite:///state", SqliteAddress(Path("state"))),
        ("sqlite:////tmp/a%20b", SqliteAddress(Path("/tmp/a b"))),
    ],
)
def test_places(text: str, read: RedisAddress | SqliteAddress) -> None:
    assert address(text) == read


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("memcached://here", "is no place for sessions; write for example redis://"),
        ("redis://", "is no place"),
        ("redis://host:0", "is no place"),
        ("redis://host:99999", "is no place"),
        ("unix://", "is no place"),
        ("sqlite://host/state", "is no place"),
        ("", "is no place"),
        ("redis://host?ttl=soon", "ttl=soon is no number of seconds"),
        ("redis://host?ttl=0", "ttl=0 is no number of seconds"),
        ("redis://host?prefix=", "is empty"),
    ],
)
def test_what_is_no_place(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        address(text)
