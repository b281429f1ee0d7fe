"""The documented errors of a route, found in its contract."""

from __future__ import annotations

from typing import Any

import pytest

from peertape.config import limits
from peertape.config.contracts import Contracts
from peertape.proxy.engine.twin.catalogue import Catalogue, Catalogues, slug
from peertape.proxy.engine.twin.contract import book, compiled
from tests.proxy.engine.twin.conftest import RIGHTS


def catalogue(*steps: Any, path: str = "/static/web-videos/{id}", **sections: Any) -> Catalogue:
    kinds = {"video": {"missing": "Video not found"}}
    given = {"kinds": kinds, **sections, "routes": {f"GET {path}": {"steps": steps}}}
    known = Catalogues(compiled(Contracts.model_validate(given), RIGHTS), limits.load())
    return known.of_request("GET", path.replace("{id}", "1"))


def names(found: Catalogue) -> list[str]:
    return [str(error) for error in found]


def test_every_step_that_refuses() -> None:
    found = catalogue(
        {"login": "required"},
        {"right": "MANAGE_USERS"},
        {"validate": [{"query.a": ["id"]}, {"query.trimmed": ["trim"]}]},
        {"validate": [{"body.b": ["id"]}, {"query.a": ["text"]}]},
        {"find": {"video": "params.id"}},
        {"refuse": "video.x", "status": 409, "detail": "It is {video.x} already."},
        {"refuse": "video.y", "status": 403, "detail": "Give a password.", "code": "needs_password"},
        {"refuse": "video.z", "status": 405, "empty": True},
        {"refuse": "video.z", "status": 403, "text": "Forbidden"},
        {"refuse": "video.z", "json": "{'error': 'No handle'}"},
        {"answer": "True", "json": "1"},
    )
    assert names(found) == [
        "401 unauthorized_request",
        "401 invalid_token",
        "403 missing-right-manage-users",
        "400 invalid-params",
        "404 video-not-found",
        "409 it-is-already",
        "403 needs_password",
        "405 method-not-allowed",
        "403 forbidden",
        "400 no-handle",
        "400 invalid_request",  # of a malformed token: hardly any client meets it
    ]
    assert list(found.errors[3].parameters) == ["a", "b"]
    assert found.errors[5].detail == "It is {video.x} already."
    assert found.errors[6].wish == "code=403, example=needs_password"


def test_steps_within_steps() -> None:
    procedures = {"p": [{"refuse": "a", "detail": "In a procedure"}, {"use": "p"}]}
    found = catalogue(
        {"when": "x", "steps": [{"use": "p"}], "else": [{"refuse": "b", "detail": "Else"}]},
        {"each": {"y": "[1]"}, "steps": [{"refuse": "y", "detail": "Of each"}]},
        {"once": ["x"], "seconds": 9, "detail": "Again", "steps": [{"refuse": "x", "detail": "First"}]},
        {"login": "optional"},
        {"login": "now"},
        procedures=procedures,
    )
    assert names(found) == [
        "400 in-a-procedure",
        "400 else",
        "400 of-each",
        "403 again",
        "400 first",
        "401 invalid_token",
        "401 not-authenticated",
        "400 invalid_request",
    ]


def test_names_are_unique() -> None:
    found = catalogue(
        {"refuse": "a", "detail": "One", "code": "shared"},
        {"refuse": "b", "detail": "Two", "code": "shared"},
        {"refuse": "c", "detail": "Two!"},
        {"refuse": "d", "detail": "Two!", "status": 404},
        {"refuse": "e", "detail": "Two!"},  # the same again
        {"refuse": "f", "detail": "Three", "code": "TypeError"},
    )
    assert names(found) == ["400 shared", "400 two", "400 two-2", "404 two-3", "400 three"]


def test_picking() -> None:
    found = catalogue(
        {"validate": [{"query.a": ["id"]}, {"query.Bb": ["id"]}]},
        {"find": {"video": "params.id"}},
        {"refuse": "a", "status": 403, "detail": "No", "code": "why"},
        {"refuse": "a", "status": 403, "detail": "Another no", "code": "why"},
    )

    def picked(status: int | None, example: str | None) -> str | None:
        choice = found.pick(status, example)
        return None if choice is None else f"{choice.documented.status} {choice.example}"

    assert picked(404, None) == "404 video-not-found"
    assert picked(None, "VIDEO-not-found") == "404 video-not-found"
    assert picked(403, "why") == "403 why"
    assert picked(403, "another-no") == "403 another-no"
    assert picked(400, "invalid-params") == "400 invalid-params"
    assert picked(400, "invalid-params.bb") == "400 invalid-params.Bb"
    for nothing in [(400, "video-not-found"), (None, None), (-1, None), (400, "invalid-params.c"), (400, "a")]:
        assert picked(*nothing) is None


def test_limited_routes_have_a_429() -> None:
    assert names(catalogue(path="/api/v1/videos/{id}")) == ["429 too-many-requests"]
    assert names(catalogue()) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Video not found", "video-not-found"),
        ("Cannot manage another user's video.", "cannot-manage-another-users-video"),
        ("", ""),
        ("a " * 100, "a-" * 23 + "a"),
        ("x" * 100, ""),
    ],
)
def test_slug(text: str, name: str) -> None:
    assert slug(text) == name


def test_peertubes_own() -> None:
    known = Catalogues(book("6.3"), limits.load("6.3"))
    found = names(known.of_request("GET", "/api/v1/videos/1"))
    assert "403 video_requires_password" in found
    assert "404 video-not-found" in found
    for contract in known.book.contracts:
        errors = known.of_contract(contract).errors
        assert len({error.example for error in errors}) == len(errors), contract.name
        assert all(error.status >= 400 and error.example for error in errors), contract.name
