"""Which requests stream by: what a header says of their length is not to be believed."""

from __future__ import annotations

import pytest
from mitmproxy import http

from peertape.addons.replayer import LARGEST_HELD, is_big


@pytest.mark.parametrize(
    ("length", "big"),
    [("0", False), (str(LARGEST_HELD), False), (str(LARGEST_HELD + 1), True), ("9" * 5000, True), ("-1", False)],
)
def test_big_bodies(length: str, big: bool) -> None:
    request = http.Request.make("POST", "http://tube.example/")
    request.headers["Content-Length"] = length
    assert is_big(request) is big
