"""Which requests stream by: what a header says of their length is not to be believed."""

from __future__ import annotations

import pytest
from mitmproxy import http

from peertape.addons.replayer import comes_streamed
from peertape.proxy.engine.intake import LARGEST_HELD


@pytest.mark.parametrize(
    ("length", "big"),
    [("0", False), (str(LARGEST_HELD), False), (str(LARGEST_HELD + 1), True), ("9" * 5000, True), ("-1", False)],
)
def test_big_bodies(length: str, big: bool) -> None:
    request = http.Request.make("POST", "http://tube.example/")
    request.headers["Content-Length"] = length
    assert comes_streamed(request) is big


def test_nobody_knows_how_long_a_chunked_body_will_be() -> None:
    request = http.Request.make("POST", "http://tube.example/")
    request.headers.pop("content-length", None)
    request.headers["Transfer-Encoding"] = "chunked"
    assert comes_streamed(request)


def test_without_any_length_there_is_no_body_in_http_1() -> None:
    request = http.Request.make("GET", "http://tube.example/")
    request.headers.pop("content-length", None)
    assert not comes_streamed(request)
