"""Which media type an Accept header likes best."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.limits.negotiation import preferred

OFFERS = (
    "text/html",
    "application/json",
    "application/activity+json",
    "application/ld+json",
    'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
)


@pytest.mark.parametrize(
    ("accept", "liked"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        ("application/activity+json", "application/activity+json"),
        ("Application/Activity+JSON", "application/activity+json"),
        ("application/activity+json, application/ld+json", "application/activity+json"),
        ("text/html, application/activity+json", "text/html"),
        ("application/activity+json, text/html", "application/activity+json"),
        ("text/html;q=0.5, application/activity+json", "application/activity+json"),
        ("application/activity+json;q=0.5, */*", "text/html"),
        ('application/ld+json; profile="https://www.w3.org/ns/activitystreams"', OFFERS[4]),
        ("application/json", "application/json"),
        ("application/*", "application/json"),
        ("image/png", None),
        ("application/activity+json;q=0", None),
        ("nonsense", None),
        ("", None),
        ("text/html;q=nonsense", None),
    ],
)
def test_preferred(accept: str | None, liked: str | None) -> None:
    assert preferred(accept, OFFERS) == liked


@given(st.text(max_size=80))
def test_whatever_a_client_sends(accept: str) -> None:
    assert preferred(accept, OFFERS) in (None, *OFFERS)


@pytest.mark.parametrize("accept", ["," * 200_000, 'a/b;q="' + '","' * 60_000, ";" * 200_000, '"' * 200_000])
def test_a_crafted_header_takes_no_longer_than_any(accept: str) -> None:
    assert preferred(accept, OFFERS) is None


def test_quoted_commas_and_semicolons_separate_nothing() -> None:
    assert preferred('text/html;a="x,image/png;q=1", application/json', OFFERS) == "application/json"
