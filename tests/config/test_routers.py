"""What stands around PeerTube's answers, as data; expected headers from samples.txt and cors.mitm."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from peertape.config.routers import Router, Routers, load

ROUTERS = load()
FIRST = ["x-powered-by", "X-Frame-Options"]
API = ["Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"]


def router(method: str, path: str) -> Router:
    return ROUTERS.router(method, path)


def around(method: str, path: str, routers: Routers = ROUTERS) -> list[str]:
    return [name for name, _ in routers.around(routers.router(method, path))]


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("GET", "/api/v1/videos", [*FIRST, "Tk", *API]),
        ("GET", "/API/v1/Videos/", [*FIRST, "Tk", *API]),
        ("GET", "/api/v1", [*FIRST, "Tk", *API]),
        ("GET", "/api/v2", [*FIRST, "Tk", API[0]]),
        ("GET", "/static/web-videos/x.mp4", [*FIRST, "Tk", API[0]]),
        ("GET", "/videos/embed/x", [FIRST[0], "Tk", API[0]]),
        ("GET", "/video-playlists/embed/x", [FIRST[0], "Tk", API[0]]),
        ("OPTIONS", "/videos/embed/x", [*FIRST, "Tk", API[0]]),
        ("GET", "/services/redirect/accounts/alice", [*FIRST, "Tk"]),
        ("GET", "/services/oembed", [*FIRST, "Tk", API[0]]),
        ("POST", "/inbox/", [*FIRST, "Tk"]),
        ("GET", "/inbox", [*FIRST, "Tk", API[0]]),
        ("GET", "/accounts/alice/outbox", [*FIRST, "Tk"]),
        ("GET", "/accounts/alice", [*FIRST, "Tk", API[0]]),
        ("GET", "/socket.io/", []),
    ],
)
def test_headers_around_an_answer(method: str, path: str, names: list[str]) -> None:
    assert around(method, path) == names


def test_a_preflight_of_the_api() -> None:
    assert ROUTERS.preflight(router("OPTIONS", "/api/v1/users/token"), "authorization,content-type") == (
        ("x-powered-by", "PeerTube"),
        ("X-Frame-Options", "DENY"),
        ("Tk", "N"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE"),
        ("Vary", "Access-Control-Request-Headers"),
        ("Access-Control-Allow-Headers", "authorization,content-type"),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("Content-Length", "0"),
    )


def test_a_preflight_where_nothing_is_requested() -> None:
    names = [name for name, _ in ROUTERS.preflight(router("OPTIONS", "/static/x"), None)]
    assert names == [*FIRST, "Tk", API[0], "Access-Control-Allow-Methods", "Vary", "Content-Length"]


def test_who_answers_options() -> None:
    assert router("OPTIONS", "/inbox").options == ["POST"]
    assert router("OPTIONS", "/accounts/alice/outbox").options == ["GET", "HEAD"]
    assert router("OPTIONS", "/services/redirect/accounts/alice").options == "get"
    assert router("OPTIONS", "/socket.io/").options == "socket"
    assert router("OPTIONS", "/socket.io").options == "cors"  # a page: engine.io wants its slash
    assert router("OPTIONS", "/").options == "cors"


def test_before_the_body_is_understood() -> None:
    assert [name for name, _ in ROUTERS.before_parsing()] == FIRST


def test_with_settings_for_tests_cors_comes_first_and_everywhere() -> None:
    development = ROUTERS.fitted(development=True, absent=())
    assert [name for name, _ in development.before_parsing()] == [*FIRST, *API]
    assert around("GET", "/api/v1/videos", development) == [*FIRST, *API, "Tk"]
    assert around("GET", "/services/redirect/accounts/alice", development) == [*FIRST, *API, "Tk"]
    names = [name for name, _ in development.preflight(router("OPTIONS", "/static/x"), None)]
    assert "Tk" not in names
    assert "Access-Control-Allow-Credentials" in names


def test_what_the_administrator_switched_off_is_left_out() -> None:
    fitted = ROUTERS.fitted(development=False, absent=["x-powered-by"])
    assert around("GET", "/api/v1/videos", fitted) == ["X-Frame-Options", "Tk", *API]
    assert fitted.before_parsing() == (("X-Frame-Options", "DENY"),)


def altered(**members: Any) -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load(ROUTERS.document.model_dump_json(by_alias=True))
    return {**value, **members}


def test_an_unknown_word_is_an_error() -> None:
    Routers.of(altered())
    with pytest.raises(ValueError, match="colour"):
        Routers.of(altered(colour="red"))
    with pytest.raises(ValueError, match="no CORS profile 'closed'"):
        Routers.of(altered(development="closed"))
