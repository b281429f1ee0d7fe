"""Origins: what can be nothing but one."""

from __future__ import annotations

import pytest

from peertape.cassettes.origin import Origin


@pytest.mark.parametrize(
    ("authority", "is_now"),
    [
        ("files.example", "files.example"),
        ("FILES.Example:443", "files.example"),
        ("files.example:8443", "files.example:8443"),
        ("files.example:80", "files.example:80"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("minio_1:9000", "minio_1:9000"),
        ("127.0.0.1:9002", "127.0.0.1:9002"),
        ("[::1]:9002", "[::1]:9002"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[::ffff:7f00:1]", "[::ffff:127.0.0.1]"),
    ],
)
def test_an_authority(authority: str, is_now: str) -> None:
    origin = Origin.of("https", authority)
    assert origin is not None
    assert origin.authority == is_now
    assert Origin.of_url(f"HTTPS://{authority}/x?y#z") == Origin.of_url(f"wss://{authority}") == origin


@pytest.mark.parametrize(
    "authority",
    [
        "",
        ".",
        "..",
        "files.example.",
        "files..example",
        ".example",
        "user@files.example",
        "user:pass@files.example",
        "files.example@127.0.0.1",
        "files.example%2f",
        "%66iles.example",
        "files.example:",
        "files.example:0",
        "files.example:65536",
        "files.example:080000",
        "files.example:-1",
        "files.example:٤٤٣",
        "-files.example",
        "files example",
        "files.example\\@evil.example",
        "bücher.example",
        "[::1",
        "[::1%25lo]",
        "[not::hex]",
        "::1",
        "a" * 400,
    ],
)
def test_what_is_none(authority: str) -> None:
    assert Origin.of("https", authority) is None
    assert Origin.of_url(f"https://{authority}/") is None


@pytest.mark.parametrize("url", ["", "/x", "//h/x", "ftp://h/", "file:///etc/passwd", "https:/h", "https:h", "data:,x"])
def test_urls_of_no_origin(url: str) -> None:
    assert Origin.of_url(url) is None
    assert Origin.of("ftp", "h") is None
