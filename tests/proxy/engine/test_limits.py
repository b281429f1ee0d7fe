"""The stage of the limits, before recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.config import limits as rates
from peertape.config import routers, trust
from peertape.config.limits import Limits
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.limits.askers import RecordedAskers
from peertape.proxy.engine.limits.state import choose
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.engine.stages.limits import LimitsStage, Refused
from peertape.proxy.engine.twin.answers import Answers

VERSION = "6.3"
ROUTERS = (
    ("x-powered-by", "PeerTube"),
    ("X-Frame-Options", "DENY"),
    ("Tk", "N"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Expose-Headers", "Retry-After"),
)
PLAIN = (*ROUTERS, ("Content-Type", "application/json; charset=utf-8"), ("Date", "then"))


@dataclass
class Limited:
    """Asks an engine whose limits stand before the recordings, at a clock that stands still."""

    make: Callable[[str], Request]
    engine: Engine
    sessions: Sessions = field(default_factory=Sessions)
    refused: list[Refused] = field(default_factory=list)

    @property
    def session(self) -> Session:
        session = self.sessions.get("default")
        session.clock.real = lambda: 1_000_000.5
        return session

    def wait(self, seconds: float) -> None:
        self.session.clock.advance(seconds)

    def ask(self, asked: str, **more: Any) -> Answer:
        """`GET /path`; `client` and `forwarded` say who asks."""
        from_, forwarded = more.pop("client", "198.51.100.1"), more.pop("forwarded", None)
        headers = more.pop("headers", ()) + ((("X-Forwarded-For", forwarded),) if forwarded else ())
        request = self.make(*asked.split(), headers=headers, **more)  # type: ignore[call-arg]
        return self.engine.answer(replace(request, client=from_), self.session)

    def told(self, asked: str, **more: Any) -> tuple[int, str | None, str | None, str | None]:
        """Status, limit, remaining, Retry-After."""
        answer = self.ask(asked, **more)
        names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After")
        first, second, third = (answer.headers.get(name) for name in names)
        return answer.status, first, second, third


@pytest.fixture
def limited(play: Callable[..., Any]) -> Callable[..., Limited]:
    def start(*tapes: Any, limits: Limits | None = None, trusted: tuple[str, ...] = ("loopback",)) -> Limited:
        player = play(*tapes)
        refused: list[Refused] = []
        stage = LimitsStage(
            limits or rates.load(VERSION),
            RecordedAskers(player.shelf, lambda request, session: False),  # noqa: ARG005
            Answers(routers.load(VERSION), VERSION),
            trust.networks(trusted),
            refused.append,
        )
        from_conftest = player.ask.__func__.__globals__["request"]
        source, *rest = player.engine._stages
        return Limited(from_conftest, Engine([source, stage, *rest]), refused=refused)

    return start


@pytest.fixture
def small() -> Limits:
    """Two requests of the API, one login."""
    return rates.custom({"api": {"max": 2}, "login": {"max": 1}, "feeds": {"max": 1}}, "small", VERSION)


def test_the_429_to_the_byte(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("GET", "/api/v1/videos", response_headers=PLAIN)
    player = limited(tape, limits=small)
    for _ in range(2):
        assert player.ask("GET /api/v1/videos").source is Source.RECORDED
    answer = player.ask("GET /api/v1/videos")
    assert (answer.status, answer.reason, answer.source_text) == (
        429,
        "Too Many Requests",
        "emulated; rules=6.3; bucket=api",
    )
    assert read(answer.body) == b"Too many requests, please try again later."
    assert answer.headers.without("Peertape-Source").pairs == (
        *ROUTERS,
        ("X-RateLimit-Limit", "2"),
        ("X-RateLimit-Remaining", "0"),
        ("Date", "Mon, 12 Jan 1970 13:46:40 GMT"),
        ("X-RateLimit-Reset", "1000011"),
        ("Retry-After", "10"),
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", "42"),
        ("ETag", 'W/"2a-UpTsLJ74nYuiLgNgEwlQMxGqwrE"'),
    )
    head = player.ask("HEAD /api/v1/videos")
    assert (head.status, head.body.size, head.headers.get("Content-Length")) == (429, 0, "42")
    assert [(refused.bucket, refused.address) for refused in player.refused] == [("api", "198.51.100.1")] * 2


def test_the_window_begins_with_its_first_request(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("GET", "/api/v1/videos")
    player = limited(tape, limits=small)
    asked = "GET /api/v1/videos"
    assert player.told(asked) == (200, "2", "1", None)
    player.wait(9.5)
    assert player.told(asked) == (200, "2", "0", None)
    assert player.told(asked) == (429, "2", "0", "1")
    player.wait(0.499)
    assert player.told(asked) == (429, "2", "0", "1")
    player.wait(0.001)
    assert player.told(asked) == (200, "2", "1", None)
    assert player.ask(asked).headers.get("X-RateLimit-Reset") == "1000021"


def test_recorded_numbers_give_way(tape: Any, limited: Any) -> None:
    old = (("X-RateLimit-Limit", "9"), ("X-RateLimit-Remaining", "8"), ("Date", "then"), ("X-RateLimit-Reset", "7"))
    tape.add("GET", "/api/v1/videos", response_headers=(*ROUTERS, *old, ("Content-Type", "a/b")))
    headers = limited(tape).ask("GET /api/v1/videos").headers
    assert [value for name, value in headers if name.startswith("X-RateLimit")] == ["50", "49", "1000011"]
    off = limited(tape, limits=rates.off(VERSION)).ask("GET /api/v1/videos").headers
    assert [value for name, value in off if name.startswith("X-RateLimit")] == ["9", "8", "7"]


def test_off_an_emulated_answer_has_the_numbers_of_a_first_request(limited: Any) -> None:
    player = limited(limits=rates.off(VERSION))
    answers = Answers(routers.load(VERSION), VERSION)
    stage = player.engine._stages[1]
    asked = player.make("GET", "/api/v1/videos/1")
    for _ in range(2):
        answer = stage.answer(asked, player.session, lambda request: answers.problem(request, 0.0, 404, "x"))
        told = [(name, value) for name, value in answer.headers if name.startswith("X-RateLimit")]
        assert [value for _, value in told] == ["50", "49", "1000011"]
    refused = stage.answer(asked, player.session, lambda request: answers.problem(request, 0.0, 400, "x", parsed=False))
    assert "X-RateLimit-Limit" not in refused.headers


def test_what_is_not_counted(tape: Any, limited: Any, small: Limits) -> None:
    for method, path in (("GET", "/api/v1/ping"), ("OPTIONS", "/api/v1/videos"), ("GET", "/static/web-videos/x.mp4")):
        tape.add(method, path)
    player = limited(tape, limits=small)
    for asked in ("GET /api/v1/ping", "OPTIONS /api/v1/videos", "GET /static/web-videos/x.mp4") * 3:
        assert player.told(asked) == (200, None, None, None)


def test_a_socket_does_not_come_to_the_limits(tape: Any, limited: Any) -> None:
    tape.add("GET", "/tracker/socket", status=403)
    upgrade = (("Connection", "Upgrade"), ("Upgrade", "websocket"))
    assert limited(tape).told("GET /tracker/socket", headers=upgrade)[1] is None


def test_spellings_of_one_path_share_a_bucket(tape: Any, limited: Any) -> None:
    tape.add("GET", "/api/v1/videos")
    player = limited(tape)
    asked = ("/api/v1/videos", "/API/v1/videos/", "/api//v1/videos?count=15")
    assert [player.told(f"GET {path}")[2] for path in asked] == ["49", "48", "47"]


def test_304_and_head_count(tape: Any, limited: Any) -> None:
    tape.add("GET", "/api/v1/videos", response_headers=(*PLAIN, ("ETag", '"e"')))
    player = limited(tape)
    told = player.told("GET /api/v1/videos", headers=(("If-None-Match", '"e"'),))
    assert told == (304, "50", "49", None)
    assert player.told("HEAD /api/v1/videos") == (200, "50", "48", None)


def test_a_miss_counts_but_tells_nothing(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("GET", "/api/v1/videos")
    player = limited(tape, limits=small)
    assert player.told("GET /api/v1/config") == (501, None, None, None)
    assert player.told("GET /api/v1/videos") == (200, "2", "0", None)
    assert player.told("GET /api/v1/config")[0] == 429


def test_a_login_counts_in_two_and_shows_the_inner_one(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("POST", "/api/v1/users/token", status=400)
    tape.add("GET", "/api/v1/videos")
    player = limited(tape, limits=small)
    assert player.told("POST /api/v1/users/token") == (400, "1", "0", None)
    assert player.told("POST /api/v1/users/token") == (429, "1", "0", "300")
    assert player.ask("POST /api/v1/users/token").source_text == "emulated; rules=6.3; bucket=api"
    player.wait(10)
    assert player.told("GET /api/v1/videos") == (200, "2", "1", None)
    player.wait(289)
    assert player.told("POST /api/v1/users/token") == (429, "1", "0", "1")
    player.wait(1)
    assert player.told("POST /api/v1/users/token") == (400, "1", "0", None)


def test_a_full_outer_bucket_does_not_charge_the_inner_one(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("POST", "/api/v1/users/token")
    tape.add("GET", "/api/v1/videos")
    player = limited(tape, limits=small)
    for _ in range(2):
        player.ask("GET /api/v1/videos")
    assert player.told("POST /api/v1/users/token") == (429, "2", "0", "10")
    player.wait(10)
    assert player.told("POST /api/v1/users/token") == (200, "1", "0", None)


def test_only_successful_registrations_count(tape: Any, limited: Any) -> None:
    for number, status in enumerate((400, 409, 204, 204, 204)):
        tape.add("POST", "/api/v1/users/register", b"", status, body={"username": f"u{number}"})
    player = limited(tape)

    def register(number: int) -> Any:
        return player.told("POST /api/v1/users/register", body={"username": f"u{number}"})

    assert register(0) == (400, "2", "1", None)
    assert register(1) == (409, "2", "1", None)
    assert register(2) == (204, "2", "1", None)
    assert register(0) == (400, "2", "0", None)
    assert register(3) == (204, "2", "0", None)
    assert register(4) == (429, "2", "0", "300")
    assert register(0)[0] == 429
    player.wait(300)
    assert register(4) == (204, "2", "1", None)


def test_a_body_that_was_not_understood_was_never_counted(tape: Any, limited: Any, small: Limits) -> None:
    headers = (*ROUTERS[:2], ("Content-Type", "application/problem+json; charset=utf-8"))
    tape.add("POST", "/api/v1/users/register", status=400, response_headers=headers)
    tape.add("GET", "/api/v1/videos")
    player = limited(tape, limits=small)
    assert player.told("POST /api/v1/users/register") == (400, None, None, None)
    assert player.told("GET /api/v1/videos") == (200, "2", "1", None)


def test_a_page_behind_the_feeds_counts_in_both(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("GET", "/feeds/nothing")
    player = limited(tape, limits=small)
    assert player.told("GET /feeds/nothing") == (200, "500", "499", None)
    assert player.told("GET /feeds/nothing") == (429, "1", "0", "10")


def test_the_route_cache_keeps_its_numbers(tape: Any, limited: Any, small: Limits) -> None:
    old = (
        ("x-ratelimit-limit", "50"),
        ("x-ratelimit-remaining", "44"),
        ("x-ratelimit-reset", "7"),
        ("retry-after", "8"),
    )
    tape.add("GET", "/feeds/videos.json", response_headers=old)
    player = limited(tape, limits=small)
    assert player.told("GET /feeds/videos.json") == (200, "50", "44", None)
    assert player.told("GET /feeds/videos.json") == (429, "1", "0", "10")


def test_lower_case_alone_is_no_route_cache(tape: Any, limited: Any) -> None:
    old = (("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "44"), ("x-ratelimit-reset", "7"))
    tape.add("GET", "/api/v1/videos", response_headers=old)
    headers = limited(tape).ask("GET /api/v1/videos").headers
    assert headers.pairs[:2] == (("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "49"))


def test_addresses_have_buckets_of_their_own(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("GET", "/api/v1/videos")
    player = limited(tape, limits=small)

    def remaining(client: str, forwarded: str | None = None) -> str | None:
        return player.told("GET /api/v1/videos", client=client, forwarded=forwarded)[2]

    assert [remaining("192.0.2.1"), remaining("192.0.2.2")] == ["1", "1"]
    assert remaining("127.0.0.1", "192.0.2.1") == "0"
    assert remaining("192.0.2.2", "192.0.2.9") == "0"


def test_sessions_do_not_see_each_other(tape: Any, limited: Any) -> None:
    tape.add("GET", "/api/v1/videos")
    player = limited(tape)
    player.ask("GET /api/v1/videos")
    other = player.sessions.get("other")
    answer = player.engine.answer(player.make("GET", "/api/v1/videos"), other)
    assert answer.headers.get("X-RateLimit-Remaining") == "49"


def test_a_reset_begins_anew_and_forgets_what_was_chosen(tape: Any, limited: Any, small: Limits) -> None:
    tape.add("GET", "/api/v1/videos")
    player = limited(tape)
    choose(player.session, small)
    assert player.told("GET /api/v1/videos") == (200, "2", "1", None)
    player.session.reset()
    assert player.told("GET /api/v1/videos") == (200, "50", "49", None)


def test_activity_pub_has_a_bucket_of_its_own(tape: Any, limited: Any) -> None:
    limits = rates.custom({"activity_pub": {"max": 7}}, "mine", VERSION)
    accept = (("Accept", "application/activity+json"),)
    tape.add("GET", "/accounts/alice", headers=accept)
    player = limited(tape, limits=limits)
    assert player.told("GET /accounts/alice", headers=accept) == (200, "7", "6", None)
    assert player.ask("GET /accounts/alice").source is Source.MISS
    assert sorted(bucket for (bucket, _), _ in player.session.counters.open(1_000_000_500)) == [
        "activity_pub",
        "client",
    ]
