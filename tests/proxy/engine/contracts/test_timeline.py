"""Recorded successes that would be refused by now: by the moment of the timeline, or by what became of a token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.session import Session, Sessions
from tests.proxy.engine.conftest import Tape, request

BEGIN = 1_000_000.0  # of the tape; one exchange a second, answered after half of it
DAY = 86_400
LOGIN = "/api/v1/users/token"
REVOKE = "/api/v1/users/revoke-token"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
UUID = "9c9de5e8-0a1e-484a-b099-e80766180a6d"
PUBLIC, PRIVATE = {"id": 1, "label": "Public"}, {"id": 3, "label": "Private"}


def login_of(user: str) -> bytes:
    return f"client_id=app&client_secret=hidden&grant_type=password&username={user}&password=secret-password".encode()


def log_in(tape: Tape, user: str, number: int, role: int = 2) -> str:
    """A recorded login, and who that is; the token."""
    token = f"token-of-{user}-0123456789"
    given = {"token_type": "Bearer", "access_token": token, "refresh_token": f"again-{token}", "expires_in": DAY - 1}
    tape.add("POST", LOGIN, {**given, "refresh_token_expires_in": 14 * DAY}, body=login_of(user), headers=FORM)
    account = {"id": number + 100, "name": user, "host": "tube.example"}
    me = {"id": number, "username": user, "role": {"id": role, "label": ""}, "account": account, "blocked": False}
    tape.add("GET", "/api/v1/users/me", me, token=token)
    return token


def video(user: str, number: int, **more: Any) -> dict[str, Any]:
    account = {"id": number + 100, "name": user, "host": "tube.example"}
    return {"id": 5, "uuid": UUID, "name": "Film", "privacy": PUBLIC, "isLocal": True, "account": account, **more}


@dataclass
class Tube:
    engine: Engine
    sessions: Sessions
    on_timeline: Callable[[Session], None]

    def ask(self, method: str, target: str, *, at: float | None = None, name: str = "default", **more: Any) -> Answer:
        """`at`: seconds after the tape's beginning, which is then the moment of the timeline."""
        session = self.sessions.get(name)
        if at is not None:
            session.clock.set(BEGIN + at)
            self.on_timeline(session)
        return self.engine.answer(request(method, target, **more), session)


@pytest.fixture
def tube(tape: Tape) -> Iterator[Callable[[], Tube]]:
    with ExitStack() as stack:

        def start() -> Tube:
            parts = stack.enter_context(assembly.parts(Settings(limits="off", strict=None), [tape.cassette()]))
            actions = Actions("replay", parts.shelf, parts.sessions, parts.tally)
            return Tube(Engine(parts.replay_stages(lambda: actions)), parts.sessions, parts.on_timeline)

        yield start


def said(answer: Answer) -> tuple[int, str]:
    """Status, and the code or detail; who said it, for a success."""
    if answer.status < 400:
        return answer.status, answer.source.value
    document = json.loads(read(answer.body))
    return answer.status, document.get("code") or document["detail"]


def test_what_was_removed_is_gone(tape: Tape, tube: Callable[[], Tube]) -> None:
    token = log_in(tape, "alice", 2)  # at 0 and 1
    path = f"/api/v1/videos/{UUID}"
    tape.add("GET", path, video("alice", 2))  # at 2
    tape.add("DELETE", path, b"", 204, token=token)  # at 3
    playing = tube()
    assert said(playing.ask("GET", path)) == (200, "recorded")  # no timeline: all that was recorded is there
    assert said(playing.ask("DELETE", path, token=token)) == (204, "recorded")
    assert said(playing.ask("GET", path, at=2.9)) == (200, "recorded")
    assert said(playing.ask("GET", path, at=4)) == (404, "Video not found")
    assert said(playing.ask("DELETE", path, at=4, token=token)) == (404, "Video not found")
    assert said(playing.ask("GET", path, at=2.9)) == (200, "recorded")  # time can go back


def test_what_was_made_cannot_be_made_twice(tape: Tape, tube: Callable[[], Tube]) -> None:
    token = log_in(tape, "alice", 2)
    new = {"name": "films", "displayName": "Films"}
    made = {"videoChannel": {"id": 9}}
    tape.add("POST", "/api/v1/video-channels", made, token=token, body=new)  # at 2
    playing = tube()
    asked = {"token": token, "body": new}
    taken = "Another actor (account/channel) with this name on this instance already exists or has already existed."
    assert said(playing.ask("POST", "/api/v1/video-channels", **asked)) == (200, "recorded")
    assert said(playing.ask("POST", "/api/v1/video-channels", at=3, **asked)) == (409, taken)
    before = playing.ask("POST", "/api/v1/video-channels", at=2, **asked)
    assert before.source is Source.MISS  # PeerTube would do it; by then it was not recorded


def test_what_became_private(tape: Tape, tube: Callable[[], Tube]) -> None:
    token, other = log_in(tape, "alice", 2), log_in(tape, "bob", 3)  # at 0 to 3
    path = f"/api/v1/videos/{UUID}"
    tape.add("GET", path, video("alice", 2))  # at 4
    tape.add("GET", path, video("alice", 2), token=other)  # at 5
    tape.add("PUT", path, b"", 204, token=token, body={"privacy": 3})  # at 6
    tape.add("GET", path, video("alice", 2, privacy=PRIVATE), token=token)  # at 7
    playing = tube()
    refused = "Cannot fetch information of private/internal/blocked video"
    assert said(playing.ask("GET", path, at=5.9)) == (200, "recorded")
    assert said(playing.ask("GET", path, at=8)) == (401, "Not authenticated")
    assert said(playing.ask("GET", path, at=8, token=other)) == (403, refused)
    assert said(playing.ask("GET", path, at=8, token=token)) == (200, "recorded")


def test_after_a_recorded_logout(tape: Tape, tube: Callable[[], Tube]) -> None:
    token = log_in(tape, "alice", 2)
    tape.add("POST", REVOKE, {"redirectUrl": None}, token=token)  # at 2
    playing = tube()
    assert said(playing.ask("GET", "/api/v1/users/me", at=1.9, token=token)) == (200, "recorded")
    assert said(playing.ask("GET", "/api/v1/users/me", at=3, token=token)) == (401, "invalid_token")
    assert said(playing.ask("GET", "/api/v1/users/me", at=3)) == (401, "unauthorized_request")


def test_before_the_recorded_login_the_token_is_unknown(tape: Tape, tube: Callable[[], Tube]) -> None:
    tape.add("GET", "/api/v1/videos", {"total": 0, "data": []})  # at 0
    token = log_in(tape, "alice", 2)  # at 1 and 2
    tape.add("GET", "/api/v1/users/me/video-quota-used", {"videoQuotaUsed": 0}, token=token)
    playing = tube()
    path = "/api/v1/users/me/videos"
    assert said(playing.ask("GET", path, at=0.9, token=token)) == (401, "invalid_token")
    assert playing.ask("GET", path, at=3, token=token).source is Source.MISS  # PeerTube would tell; nobody recorded it


def test_a_token_expires_by_the_clock(tape: Tape, tube: Callable[[], Tube]) -> None:
    token = log_in(tape, "alice", 2)
    playing = tube()
    for _ in range(2):
        login = playing.ask("POST", LOGIN, body=login_of("alice"), headers=FORM)
        token = json.loads(read(login.body))["access_token"]
        assert said(playing.ask("GET", "/api/v1/users/me", token=token)) == (200, "recorded")
        playing.sessions.get("default").clock.advance(DAY - 60)
        assert said(playing.ask("GET", "/api/v1/users/me", token=token)) == (200, "recorded")
        playing.sessions.get("default").clock.advance(120)
        assert said(playing.ask("GET", "/api/v1/users/me", token=token)) == (401, "invalid_token")
    other = playing.ask("GET", "/api/v1/users/me", name="other", token=token)
    assert said(other) == (200, "recorded")  # that session's clock has not moved


def test_a_token_is_revoked_for_the_session_alone(tape: Tape, tube: Callable[[], Tube]) -> None:
    token = log_in(tape, "alice", 2)
    tape.add("POST", REVOKE, {"redirectUrl": None}, token=token)
    playing = tube()
    assert said(playing.ask("GET", "/api/v1/users/me", token=token)) == (200, "recorded")
    assert said(playing.ask("POST", REVOKE, token=token)) == (200, "recorded")
    for method, path in (("GET", "/api/v1/users/me"), ("POST", REVOKE), ("GET", "/api/v1/videos")):
        assert said(playing.ask(method, path, token=token)) == (401, "invalid_token")
    assert said(playing.ask("GET", "/api/v1/users/me", name="other", token=token)) == (200, "recorded")
    again = playing.ask("POST", LOGIN, body=login_of("alice"), headers=FORM)
    token = json.loads(read(again.body))["access_token"]
    assert said(playing.ask("GET", "/api/v1/users/me", token=token)) == (200, "recorded")


def test_ignorance_refuses_nothing(tape: Tape, tube: Callable[[], Tube]) -> None:
    """What the rules would have refused at the recorded moment already, they refuse for not knowing enough."""
    token = log_in(tape, "alice", 2)
    path = f"/api/v1/videos/{UUID}"
    tape.add("GET", path, video("alice", 2))  # at 2: the first that is heard of the video
    tape.add("GET", "/api/v1/users/me/videos", {"total": 0, "data": []}, token="of-somebody-unknown")  # at 3
    tape.add("PUT", f"/api/v1/videos/{UUID[:-1]}b/rate", b"", 204, token=token, body={"rating": "like"})
    playing = tube()
    assert said(playing.ask("GET", path, at=1.9)) == (404, "Video not found")
    assert said(playing.ask("GET", path, at=2.5)) == (200, "recorded")
    assert said(playing.ask("GET", "/api/v1/users/me/videos", at=9, token="of-somebody-unknown")) == (200, "recorded")
    rating = {"token": token, "body": {"rating": "like"}}
    assert said(playing.ask("PUT", f"/api/v1/videos/{UUID[:-1]}b/rate", at=9, **rating)) == (204, "recorded")
    wrong = {"token": token, "body": {"rating": "love"}}
    assert said(playing.ask("PUT", f"/api/v1/videos/{UUID[:-1]}b/rate", at=9, **wrong))[0] == 400


def test_recorded_refusals_stand(tape: Tape, tube: Callable[[], Tube]) -> None:
    """The rules have a say in successes alone: the instance knew why it refused."""
    problem = (("Content-Type", "application/problem+json; charset=utf-8"),)
    refusal = {"type": "about:blank", "title": "Forbidden", "detail": "For reasons of its own", "status": 403}
    tape.add("GET", "/api/v1/videos", refusal, 403, response_headers=problem)
    answer = tube().ask("GET", "/api/v1/videos", at=9)
    assert (answer.source, said(answer)) == (Source.RECORDED, (403, "For reasons of its own"))


@pytest.mark.parametrize(("role", "status"), [(0, 204), (1, 204), (2, 403)])
def test_roles_are_learned(tape: Tape, tube: Callable[[], Tube], role: int, status: int) -> None:
    """Administrators and moderators may remove what is not theirs."""
    log_in(tape, "alice", 2)
    token = log_in(tape, "carol", 7, role)
    tape.add("GET", f"/api/v1/videos/{UUID}", video("alice", 2))
    answer = tube().ask("DELETE", f"/api/v1/videos/{UUID}", token=token)
    if status == 403:
        assert said(answer) == (403, "Cannot manage a video of another user.")
    else:
        assert answer.source is Source.MISS
