"""The three tiers, each with the source that it gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.model import State
from peertape.config.patterns import pattern
from peertape.proxy.engine.model import Source
from peertape.proxy.engine.tolerance import IgnoreRule

UUID = "23febe54-7704-4ef9-8bbc-0d205abb6ec2"
SHORT = "5rNpafMn7Qbqmte7b2zYHy"
VIDEO = {"id": 7, "uuid": UUID, "shortUUID": SHORT, "name": "one", "isLive": False}
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)

Play = Callable[..., Any]


def test_exact(tape: Any, play: Play) -> None:
    number = tape.add("GET", "/api/v1/videos?sort=name&count=2", headers=(("Accept", "*/*"),))
    answer = play(tape).get(
        "/api/v1/videos?count=2&sort=name", headers=(("User-Agent", "another"), ("Accept", "*/*"), ("Referer", "x"))
    )
    assert answer.headers.get("Peertape-Source") == f"recorded; exchange={number}"


def test_another_header_is_the_second_tier(tape: Any, play: Play) -> None:
    number = tape.add("GET", "/api/v1/videos?count=2", headers=(("Accept-Encoding", "gzip"),))
    answer = play(tape).get("/api/v1/videos?count=2", headers=(("X-Custom", "1"),))
    assert answer.headers.get("Peertape-Source") == f"recorded; exchange={number}; match=identity"


def test_another_token_of_the_same_user(tape: Any, play: Play) -> None:
    tape.login("alice", "a" * 40)
    tape.login("alice", "b" * 40)
    tape.login("bob", "c" * 40)
    mine = tape.add("GET", "/api/v1/users/me/videos", "alice's", token="a" * 40)
    player = play(tape)
    answer = player.get("/api/v1/users/me/videos", token="b" * 40)
    assert (answer.source, answer.exchange, answer.remark) == (Source.RECORDED, mine, (("match", "identity"),))
    assert player.get("/api/v1/users/me/videos", token="c" * 40).source is Source.MISS
    assert player.get("/api/v1/users/me/videos").source is Source.MISS
    assert player.get("/api/v1/users/me/videos", token="d" * 40).source is Source.MISS


def test_a_refused_token_says_nothing_about_its_user(tape: Any, play: Play) -> None:
    tape.login("alice", "a" * 40)
    tape.login("alice", "b" * 40)
    tape.add("GET", "/api/v1/users/me/about", "refused", 401, token="a" * 40)
    player = play(tape)
    assert player.get("/api/v1/users/me/about", token="a" * 40).status == 401
    assert player.get("/api/v1/users/me/about", token="b" * 40).source is Source.MISS


def test_a_pseudonym_and_the_secret_are_the_same(tape: Any, play: Play) -> None:
    tape.login("alice", "a1b2c3d4" * 5)
    tape.add("GET", "/api/v1/users/me/about", "me", token="a1b2c3d4" * 5)
    player = play(tape)
    form = b"client_id=app&client_secret=hidden&grant_type=password&username=alice&password=secret-password"
    given = json.loads(read(player.ask("POST", "/api/v1/users/token", body=form, headers=FORM).body))["access_token"]
    assert given != "a1b2c3d4" * 5
    assert player.value("/api/v1/users/me/about", token=given) == "me"
    assert player.value("/api/v1/users/me/about", token="a1b2c3d4" * 5) == "me"


def test_a_login_is_told_by_its_telling_fields(tape: Any, play: Play) -> None:
    number = tape.login("alice", "a" * 40)
    player = play(tape)
    form = (
        b"username=alice&password=secret-password&grant_type=password&scope=upload&client_secret=hidden&client_id=app"
    )
    answer = player.ask("POST", "/api/v1/users/token", body=form, headers=FORM)
    assert answer.source_text == f"recorded; exchange={number}; match=tolerant"
    as_json = {"username": "alice", "password": "secret-password", "grant_type": "password", "client_id": "app"}
    assert player.ask("POST", "/api/v1/users/token", body=as_json).source is Source.MISS  # PeerTube takes forms only
    wrong = form.replace(b"secret-password", b"wrong-password!")
    assert player.ask("POST", "/api/v1/users/token", body=wrong, headers=FORM).source is Source.MISS


@pytest.mark.parametrize("name", [UUID, UUID.upper(), SHORT, "7"])
@pytest.mark.parametrize("recorded", [UUID, SHORT, "7"])
def test_a_video_by_its_three_names(tape: Any, play: Play, name: str, recorded: str) -> None:
    number = tape.add("GET", f"/api/v1/videos/{recorded}", VIDEO)
    answer = play(tape).get(f"/api/v1/videos/{name}")
    tolerant = () if name == recorded else (("match", "tolerant"),)
    assert (answer.source, answer.exchange, answer.remark) == (Source.RECORDED, number, tolerant)


def test_a_playlist_has_numbers_of_its_own(tape: Any, play: Play) -> None:
    tape.add("GET", f"/api/v1/videos/{UUID}", VIDEO)
    playlist = "7a2b4c6d-1111-4222-8333-444455556666"
    tape.add("GET", f"/api/v1/video-playlists/{playlist}", {"id": 7, "uuid": playlist, "videosLength": 0})
    tape.add("GET", f"/api/v1/video-playlists/{playlist}/videos", "its videos")
    player = play(tape)
    assert player.value("/api/v1/videos/7")["uuid"] == UUID
    assert player.value("/api/v1/video-playlists/7")["uuid"] == playlist
    assert player.value("/api/v1/video-playlists/7/videos") == "its videos"


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        ("/api/v1/videos?start=0&count=15", "/api/v1/videos"),
        ("/api/v1/videos", "/api/v1/videos?count=15&start=0"),
        ("/api/v1/videos?count=2&count=9", "/api/v1/videos?count=2"),
        ("/api/v1/videos?search=a%20b", "/api/v1/videos?search=a+b"),
        ("/API/v1/Videos", "/api/v1/videos"),
        ("//api/v1//videos/", "/api/v1/videos"),
        ("/api/v1/accounts/Bob%40other.example/", "/api/v1/accounts/Bob@other.example"),
    ],
)
def test_spellings_that_mean_the_same(tape: Any, play: Play, asked: str, recorded: str) -> None:
    number = tape.add("GET", recorded)
    answer = play(tape).get(asked)
    assert answer.source_text == f"recorded; exchange={number}; match=tolerant"


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        ("/api/v1/videos?sort=name", "/api/v1/videos"),
        ("/api/v1/accounts/BOB", "/api/v1/accounts/bob"),
        ("/api/v1/videos?categoryOneOf=1&categoryOneOf=2", "/api/v1/videos?categoryOneOf=1"),
        ("/w/5rNpafMn7Qbqmte7b2zYHY", f"/w/{SHORT}"),
    ],
)
def test_spellings_that_do_not(tape: Any, play: Play, asked: str, recorded: str) -> None:
    tape.add("GET", recorded)
    assert play(tape).get(asked).source is Source.MISS


def test_what_is_the_same_for_all_is_answered_from_anybody(tape: Any, play: Play) -> None:
    tape.login("alice", "a" * 40)
    number = tape.add("GET", "/api/v1/config", "config", token="a" * 40)
    answer = play(tape).get("/api/v1/config")
    assert answer.source_text == f"recorded; exchange={number}; match=tolerant"


def test_what_the_web_client_makes_up_each_time(tape: Any, play: Play) -> None:
    view = tape.add("POST", f"/api/v1/videos/{UUID}/views", body={"currentTime": 0, "sessionId": "XHSF97AbIDVBNlUG"})
    tape.add("GET", "/client/en-US/ngsw.json?ngsw-cache-bust=0.8133070828620905")
    player = play(tape)
    asked = {"currentTime": 0, "sessionId": "TLpjZZCZtw0ZSFMP"}
    assert player.ask("POST", f"/api/v1/videos/{UUID}/views", body=asked).exchange == view
    assert player.ask("POST", f"/api/v1/videos/{UUID}/views", body=asked | {"currentTime": 5}).source is Source.MISS
    assert player.get("/client/en-US/ngsw.json?ngsw-cache-bust=0.4757904609126048").source is Source.RECORDED
    assert player.get("/client/en-US/ngsw.json?other=1").source is Source.MISS


def test_the_users_own_rules(tape: Any, play: Play) -> None:
    number = tape.add("POST", "/api/v1/search", body={"q": "cats", "client": {"id": 1}, "at": 5})
    tape.add("GET", "/api/v1/videos?nonce=1")
    rules = (
        IgnoreRule(pattern("POST /api/v1/search"), json="client.id"),
        IgnoreRule(json="$.at"),
        IgnoreRule(query="nonce"),
        IgnoreRule(header="X-Upload-Content-Length"),
    )
    player = play(tape, ignore=rules)
    asked = {"at": 9, "q": "cats", "client": {"id": 2}}
    assert player.ask("POST", "/api/v1/search", body=asked).exchange == number
    assert player.ask("POST", "/api/v1/search", body=asked | {"q": "dogs"}).source is Source.MISS
    assert player.get("/api/v1/videos?nonce=2").source is Source.RECORDED
    assert player.get("/api/v1/videos", headers=(("X-Upload-Content-Length", "1"),)).source is Source.RECORDED


@pytest.mark.parametrize("state", [State.CUT, State.FAILED, State.UNSTORED])
def test_what_is_not_whole_is_never_replayed(tape: Any, play: Play, state: State) -> None:
    tape.add("GET", "/api/v1/videos", state=state)
    answer = play(tape).get("/api/v1/videos")
    assert answer.status == 501
    assert answer.nearest[0].differences == (f"the recording is {state.value}, not complete",)


def test_the_host_under_which_a_wrong_one_was_recorded(tape: Any, play: Play) -> None:
    right = tape.add("GET", "/api/v1/oauth-clients/local", "right")
    wrong = tape.add("GET", "/api/v1/oauth-clients/local", "wrong", 403, host="evil.example")
    player = play(tape)
    assert player.get("/api/v1/oauth-clients/local", host="127.0.0.1:8990").exchange == right
    assert player.get("/api/v1/oauth-clients/local", host="evil.example").exchange == wrong


def test_an_answer_that_varies(tape: Any, play: Play) -> None:
    vary = (("Content-Type", "text/html"), ("Vary", "Accept-Language"))
    tape.add("GET", "/about", b"bonjour", headers=(("Accept-Language", "fr"),), response_headers=vary)
    tape.add("GET", "/about", b"hello", headers=(("Accept-Language", "en"),), response_headers=vary)
    player = play(tape)
    french = player.get("/about", headers=(("Accept-Language", "fr"), ("X-Other", "1")))
    assert read(french.body) == b"bonjour"


def test_the_leftmost_cassette_answers(tmp_path: Any, tape: Any, play: Play) -> None:
    other = type(tape)(tmp_path / "other.cassette")
    tape.add("GET", "/api/v1/a", "left")
    other.add("GET", "/api/v1/a", "right")
    number = other.add("GET", "/api/v1/b", "only right")
    player = play(tape, other)
    assert player.value("/api/v1/a") == "left"
    assert player.value("/api/v1/a") == "left"
    assert player.get("/api/v1/b").source_text == f"recorded; exchange={number}; cassette=other"


def test_users_of_the_same_name_are_joined(tmp_path: Any, tape: Any, play: Play) -> None:
    other = type(tape)(tmp_path / "other.cassette")
    tape.login("alice", "a1" * 20)
    other.login("alice", "b2" * 20)
    other.add("GET", "/api/v1/users/me/about", "from the other", token="b2" * 20)
    player = play(tape, other)
    form = b"client_id=app&client_secret=hidden&grant_type=password&username=alice&password=secret-password"
    token = json.loads(read(player.ask("POST", "/api/v1/users/token", body=form, headers=FORM).body))["access_token"]
    assert player.value("/api/v1/users/me/about", token=token) == "from the other"


def test_a_user_sees_what_a_visitor_was_answered(tape: Any, play: Play) -> None:
    """Where nothing of the user's own was recorded; the source says so."""
    tape.login("alice", "a" * 40)
    public = tape.add("GET", "/api/v1/videos", "public")
    tape.add("GET", "/api/v1/users/me", "refused", 401)
    tape.add("GET", "/api/v1/accounts", "the visitor's")
    mine = tape.add("GET", "/api/v1/accounts", "mine", token="a" * 40)
    player = play(tape)
    assert player.get("/api/v1/videos", token="a" * 40).source_text == f"recorded; exchange={public}; as=anonymous"
    assert player.get("/api/v1/accounts", token="a" * 40).exchange == mine
    assert player.get("/api/v1/users/me", token="a" * 40).source is Source.MISS
    assert player.get("/api/v1/videos", token="b" * 40).source is Source.MISS
    assert player.ask("DELETE", "/api/v1/videos", token="a" * 40).source is Source.MISS
