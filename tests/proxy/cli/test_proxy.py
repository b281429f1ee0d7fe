"""`peertape proxy`: live while the instance is there, and its recording while it is away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from support.process import Peertape, recorded, wait_for
from support.tube import Tube
from support.wire import Head, Wire, answer

from peertape.cassettes.bodies import read
from peertape.cassettes.model import Exchange
from peertape.cassettes.store import Cassette

TOKEN = "the-control-token"
LOGIN = "/api/v1/users/token"
ME = "/api/v1/users/me"
SECRETS = {"access_token": "real0access0token", "refresh_token": "real0refresh0token"}
PASSWORD = "correct horse"


@pytest.fixture
def tube() -> Iterator[Tube]:
    instance = Tube()
    instance.routes[f"POST {LOGIN}"] = _login
    instance.routes[f"GET {ME}"] = _me
    yield instance
    instance.die()


@pytest.fixture
def proxy(peertape: Callable[..., Peertape], tube: Tube) -> Callable[..., Peertape]:
    def start(*options: str) -> Peertape:
        return peertape("proxy", "--upstream", tube.url, *options, environment={"PEERTAPE_TOKEN": TOKEN})

    return start


def _login(wire: Wire, head: Head) -> None:
    """As PeerTube does: one pair of tokens, for the password or for the refresh token."""
    form = {name: values[0] for name, values in parse_qs(wire.body(head).decode()).items()}
    if form.get("password") == PASSWORD or form.get("refresh_token") == SECRETS["refresh_token"]:
        wire.send(answer(json.dumps({"token_type": "Bearer", **SECRETS}), content_type="application/json"))
    else:
        wire.send(answer('{"code":"invalid_grant"}', "400 Bad Request", content_type="application/json"))


def _me(wire: Wire, head: Head) -> None:
    if head.get("authorization") == f"Bearer {SECRETS['access_token']}":
        wire.send(answer('{"username":"alice","email":"a@example.org"}', content_type="application/json"))
    else:
        wire.send(answer('{"code":"invalid_token"}', "401 Unauthorized", content_type="application/json"))


def post(app: Peertape, path: str, **fields: str) -> tuple[Head, dict[str, Any]]:
    head, body = app.ask(f"POST {path}\nContent-Type: application/x-www-form-urlencoded", urlencode(fields).encode())
    return head, json.loads(body)


def log_in(app: Peertape) -> tuple[Head, dict[str, Any]]:
    return post(app, LOGIN, grant_type="password", username="alice", password=PASSWORD)


def refresh(app: Peertape, token: str) -> tuple[Head, dict[str, Any]]:
    return post(app, LOGIN, grant_type="refresh_token", refresh_token=token)


def who_am_i(app: Peertape, token: str) -> tuple[Head, bytes]:
    return app.ask(f"GET {ME}\nAuthorization: Bearer {token}")


def source(head: Head) -> str:
    return (head.get("peertape-source") or "").partition(";")[0]


def until_live(app: Peertape, request: str) -> bytes:
    """What the instance answers, once it is asked again."""

    def look() -> list[bytes]:
        head, body = app.ask(request)
        return [body] if source(head) == "live" else []

    return wait_for(look)[0]


def rehearse(app: Peertape, offline: bool) -> None:
    fields = f"Authorization: Bearer {TOKEN}\nContent-Type: application/json"
    head, _ = app.ask(f"POST /__peertape__/upstream\n{fields}", json.dumps({"offline": offline}).encode())
    assert head.status == 200


def test_the_recording_answers_while_the_instance_is_away(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    app = proxy()
    for text in ("old", "new"):
        tube.says("GET /page", text)
        tube.says("POST /page", f"{text} written", "201 Created")
        assert app.ask("GET /page")[1] == text.encode()
        assert app.ask("POST /page", b"x")[1] == f"{text} written".encode()
    recorded(app.cassette, "/page", 4)
    tube.die()
    for _ in range(3):  # the latest, as often as it is asked for
        head, body = app.ask("GET /page")
        assert (head.status, body) == (200, b"new")
        assert head.get("peertape-source") == "recorded; exchange=3"
    head, body = app.ask("POST /page", b"x")
    assert (source(head), head.status, body) == ("recorded", 201, b"new written")
    assert app.ask("GET /other")[0].status == 501
    tube.says("GET /page", "newest")
    tube.start()
    assert until_live(app, "GET /page") == b"newest"
    wait_for(lambda: [found for found in recorded(app.cassette, "/page") if _text(found) == b"newest"])
    tube.die()
    assert app.ask("GET /page")[1] == b"newest"
    assert app.stop() == 0
    changes = [line for line in app.said.splitlines() if line.startswith("the instance is ")]
    away = "the instance is away (connection refused): the recording answers"
    assert changes == [away, "the instance is back", away]


def _text(exchange: Exchange) -> bytes | None:
    return read(exchange.response.body) if exchange.response is not None else None


def test_an_instance_that_was_never_there(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    tube.die()
    app = proxy("--strict")
    head, body = app.ask("GET /page")
    assert (head.status, json.loads(body)["type"]) == (501, "urn:peertape:miss")
    assert app.stop() == 1


def test_offline_can_be_rehearsed(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    tube.says("GET /page", "there")
    app = proxy()
    app.ask("GET /page")
    recorded(app.cassette, "/page")
    rehearse(app, offline=True)
    for _ in range(2):
        assert source(app.ask("GET /page")[0]) == "recorded"
    assert len(tube.asked) == 1
    assert json.loads(app.ask("GET /__peertape__/health")[1])["offline"] is True
    rehearse(app, offline=False)
    assert source(app.ask("GET /page")[0]) == "live"
    assert app.said.count("the instance is away (switched off by the control API)") == 1
    assert app.said.count("the instance is back") == 1


def test_a_login_outlives_the_absence_of_the_instance(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    app = proxy()
    assert log_in(app)[1].items() >= SECRETS.items()
    assert who_am_i(app, SECRETS["access_token"])[0].status == 200
    recorded(app.cassette, ME)
    tube.die()
    for head, tokens in (log_in(app), refresh(app, SECRETS["refresh_token"])):
        assert head.status == 200
        assert tokens.items() >= SECRETS.items()
    assert source(log_in(app)[0]) == "recorded"
    assert refresh(app, SECRETS["refresh_token"])[0].get("peertape-source") == (
        "derived; exchange=1; refresh=same-tokens"
    )
    wrong = post(app, LOGIN, grant_type="password", username="alice", password="wrong")
    for head, refusal in (wrong, refresh(app, "another0one0token1")):  # as PeerTube refuses, which wants a client first
        assert (source(head), head.status, refusal["code"]) == ("emulated", 400, "invalid_client")
    head, body = who_am_i(app, tokens["access_token"])
    assert (source(head), json.loads(body)["username"]) == ("recorded", "alice")
    tube.start()
    until_live(app, "GET /page")
    assert who_am_i(app, tokens["access_token"])[0].status == 200
    assert refresh(app, tokens["refresh_token"])[1].items() >= SECRETS.items()
    app.stop()
    stored = app.cassette.read_bytes()
    assert not any(secret.encode() in stored for secret in (*SECRETS.values(), PASSWORD))


def test_a_later_run_knows_what_its_clients_present(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    app = proxy()
    log_in(app)
    who_am_i(app, SECRETS["access_token"])
    app.stop()
    tube.die()
    app = proxy()
    masked = log_in(app)[1]  # nobody has presented the tokens to this run
    assert not set(masked.values()) & set(SECRETS.values())
    assert source(who_am_i(app, masked["access_token"])[0]) == "recorded"
    assert source(who_am_i(app, SECRETS["access_token"])[0]) == "recorded"
    assert refresh(app, SECRETS["refresh_token"])[1].items() >= SECRETS.items()
    tube.start()
    until_live(app, "GET /page")
    head, _ = who_am_i(app, masked["access_token"])
    assert (source(head), head.status) == ("live", 200)
    assert refresh(app, masked["refresh_token"])[1].items() >= SECRETS.items()


def test_several_clients_at_once(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    tube.says("GET /page", "here")
    app = proxy()
    app.ask("GET /page")
    recorded(app.cassette, "/page")
    tube.die()
    answers: list[tuple[Head, bytes]] = []
    clients = [threading.Thread(target=lambda: answers.append(app.ask("GET /page"))) for _ in range(10)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert {(source(head), body) for head, body in answers} == {("recorded", b"here")}
    assert app.said.count("the instance is away") == 1


def test_what_is_emulated_is_never_recorded(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="videofile"; filename="a.mp4"\r\n\r\n' + b"x" * 9_000_000
    upload = "POST /api/v1/videos/upload\nContent-Type: multipart/form-data; boundary=x"
    app = proxy()
    tube.says("GET /page", "a page")
    assert source(app.ask("GET /page")[0]) == "live"
    assert source(app.ask("GET /api/v1/videos/1\nPrefer: code=404")[0]) == "emulated"
    assert source(app.ask(f"{upload}\nPrefer: code=400", form)[0]) == "emulated"
    rehearse(app, offline=True)
    assert source(app.ask("GET /api/v1/unknown")[0]) == "emulated"
    assert source(app.ask("OPTIONS /api/v1/videos")[0]) == "emulated"
    assert source(app.ask(upload, form)[0]) == "emulated"
    assert source(app.ask("GET /elsewhere")[0]) == "miss"
    assert app.stop() == 0
    assert len(recorded(app.cassette, "/page")) == 1
    with closing(Cassette(app.cassette)) as cassette:
        assert cassette.count() == 1
