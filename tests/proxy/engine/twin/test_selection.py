"""Which routes a pattern of the user's can touch."""

from __future__ import annotations

import pytest

from peertape.config.patterns import pattern
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.selection import touched, touches


@pytest.mark.parametrize(
    ("wish", "route", "does"),
    [
        ("/a/*", "GET /a/{id}", True),
        ("/a/42", "GET /a/{id}", True),
        ("/A/{id}", "GET /a/{id}", True),
        ("/a/**", "GET /a/{id}/b", True),
        ("/a/**", "GET /a", True),
        ("/a/*", "GET /a/{id}/b", False),
        ("/a/*/c", "GET /a/{id}/b", False),
        ("/**/b", "GET /a/{id}/b", True),
        ("**", "GET /a/{id}/b", True),
        ("/a/b/c/d", "GET /a/{rest*}", True),
        ("/b/**", "GET /a/{rest*}", False),
        ("/feeds/videos.xml", "GET /feeds/videos.{format}", True),
        ("/feeds/others.xml", "GET /feeds/videos.{format}", False),
        ("GET /a", "GET|HEAD /a", True),
        ("HEAD /a", "GET|HEAD /a", True),
        ("POST /a", "GET|HEAD /a", False),
    ],
)
def test_touching(wish: str, route: str, does: bool) -> None:
    wanted = pattern(wish)
    assert touches(wanted.method, wanted.glob, route) is does


def test_in_peertubes_rules() -> None:
    rules = book("6.3")
    assert [route.name for route in touched(rules, pattern("GET /api/v1/videos/42"))] == [
        "GET|HEAD /api/v1/videos/{id}"
    ]
    assert len(touched(rules, pattern("GET /api/v1/videos/*"))) > 1
    assert touched(rules, pattern("/nowhere")) == []
    assert touched(rules, None) == list(rules.contracts)
