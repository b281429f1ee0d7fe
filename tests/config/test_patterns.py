"""Patterns as users write them."""

from __future__ import annotations

import pytest

from peertape.config.patterns import PatternError, pattern


@pytest.mark.parametrize(
    ("text", "method", "path", "matches"),
    [
        ("/api/v1/videos", "GET", "/api/v1/videos", True),
        ("/api/v1/videos", "GET", "/api/v1/videos/1", False),
        ("/api/v1/*", "GET", "/api/v1/videos", True),
        ("/api/v1/*", "GET", "/api/v1/videos/1", False),
        ("/api/v1/**", "GET", "/api/v1/videos/1", True),
        ("/api/v1/**", "GET", "/api/v1", True),
        ("/api/v1/**", "GET", "/api/v10", False),
        ("/api/**/comments", "GET", "/api/v1/videos/1/comments", True),
        ("GET /api/**", "get", "/API/v1", True),
        ("GET /api/**", "POST", "/api/v1", False),
        ("**.m3u8", "GET", "/static/a/b.m3u8", True),
        ("/a.b", "GET", "/aXb", False),
    ],
)
def test_what_matches(text: str, method: str, path: str, matches: bool) -> None:
    assert pattern(text).matches(method, path) is matches


@pytest.mark.parametrize("text", ["FETCH /api", "api/v1", "", "GET"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(PatternError, match="is no pattern"):
        pattern(text)
