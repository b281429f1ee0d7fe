"""Which request a fault strikes, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.config.faults import fault, latency
from peertape.proxy.engine.faults import chance
from peertape.proxy.engine.model import Delivery, Source

LOGIN = "/api/v1/users/token"
ME = "/api/v1/users/me"


def test_it_strikes_so_often_and_heals(broken: Callable[..., Any]) -> None:
    world = broken("503*2@GET /api/v1/videos")
    assert world.statuses(4) == [503, 503, 200, 200]
    assert world.ask("POST", "/api/v1/videos").status == 200
    assert world.get("/api/v1/videos/1").status == 200


def test_odd_spellings_are_struck_as_well(broken: Callable[..., Any]) -> None:
    world = broken("503@GET /api/v1/videos")
    assert [world.get(target).status for target in ("/API/v1//videos?count=1", "/api/v1/Videos")] == [503, 503]


def test_the_first_that_can_strike_does(broken: Callable[..., Any]) -> None:
    world = broken("500*1", "502*1", "503@/nowhere")
    assert world.statuses(3) == [500, 502, 200]


def test_sessions_do_not_disturb_each_other(broken: Callable[..., Any]) -> None:
    world = broken("503*1")
    assert world.statuses(2, session="a") == [503, 200]
    assert world.statuses(2, session="b") == [503, 200]


def test_a_reset_begins_anew(broken: Callable[..., Any]) -> None:
    world = broken("503*1", "500=0.5")
    first = world.statuses(20)
    world.sessions.get("default").reset()
    assert world.statuses(20) == first


def test_chance_repeats_itself_from_the_seed(broken: Callable[..., Any]) -> None:
    runs = [broken("503=0.5", seed=seed).statuses(200) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert 60 < runs[0].count(503) < 140
    world = broken("503=0.5", seed=1)
    assert world.statuses(200, session="other") != runs[0]


def test_other_requests_do_not_change_what_chance_does(broken: Callable[..., Any]) -> None:
    alone = broken("503=0.5", seed=1).statuses(50)
    world = broken("503=0.5", seed=1)
    among = []
    for number in range(50):
        world.get(f"/api/v1/videos/{number}")
        among.append(world.get("/api/v1/videos").status)
        world.get("/api/v1/videos", session="other")
    assert among == alone


def test_chance_remembers_a_bounded_number_of_requests(
    broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chance, "MOST", 10)
    world = broken("503=0.5")
    statuses = [world.get(f"/{number}").status for number in range(200)]
    assert 60 < statuses.count(503) < 140
    active = world.faults.of(world.sessions.get("default"))
    assert len(active._chance._asked) == 11


def test_preflights_are_spared_unless_they_are_named(broken: Callable[..., Any]) -> None:
    assert broken("503", "reset@/**").ask("OPTIONS", "/api/v1/videos").status == 200
    assert broken("503@OPTIONS /**").ask("OPTIONS", "/api/v1/videos").status == 503


@pytest.mark.parametrize(("name", "delivery"), [("cut-body", Delivery.CUT), ("stall", Delivery.STALL)])
def test_a_broken_body_is_the_one_that_would_have_come(
    broken: Callable[..., Any], name: str, delivery: Delivery
) -> None:
    answer = broken(name).get("/static/film.mp4")
    assert (answer.status, answer.delivery, read(answer.body)) == (200, delivery, b"0123456789")
    assert answer.headers.get("Content-Length") == "10"
    assert answer.source_text == f"fault; exchange=7; name={name}"


@pytest.mark.parametrize(("method", "target"), [("GET", "/empty"), ("HEAD", "/static/film.mp4"), ("GET", "/missed")])
def test_what_has_no_body_cannot_be_cut_and_does_not_count(
    broken: Callable[..., Any], method: str, target: str
) -> None:
    world = broken("cut-body*1")
    answer = world.ask(method, target)
    assert (answer.delivery, answer.source is Source.FAULT) == (Delivery.WHOLE, False)
    assert world.get("/film").delivery is Delivery.CUT


def test_reset(broken: Callable[..., Any]) -> None:
    answer = broken("reset").get("/")
    assert (answer.delivery, answer.status, answer.source_text) == (Delivery.RESET, 0, "fault; name=reset")


def test_a_token_is_expired_until_the_client_has_a_new_one(broken: Callable[..., Any]) -> None:
    world = broken("expired-token")
    assert world.statuses(3, ME, token="t") == [401, 401, 401]
    assert world.get("/api/v1/videos").status == 200
    assert world.get(ME, token="t", session="other").status == 401
    assert world.ask("POST", LOGIN, token="t").status == 200
    assert world.statuses(3, ME, token="t") == [200, 200, 200]
    assert world.get(ME, token="t", session="other").status == 401


def test_a_token_that_expires_so_often(broken: Callable[..., Any]) -> None:
    world = broken("expired-token*2")
    assert world.get(ME, token="t").status == 401
    world.ask("POST", LOGIN)
    assert world.statuses(2, ME, token="t") == [401, 200]


def test_a_refresh_that_fails_does_not_heal(broken: Callable[..., Any]) -> None:
    world = broken(f"400*1@POST {LOGIN}", "expired-token")
    assert world.ask("POST", LOGIN).status == 400
    assert world.get(ME, token="t").status == 401


@pytest.mark.parametrize(
    "target", ["/api/v1/oauth-clients/local", "/api/v1/config", "/api/v1/ping", "/static/film.mp4"]
)
def test_nobody_looks_at_the_token_there(broken: Callable[..., Any], target: str) -> None:
    assert broken("expired-token").get(target, token="t").status == 200


def test_latency(broken: Callable[..., Any]) -> None:
    assert broken().get("/").delay == 0
    assert broken(delay="200ms").get("/").delay == 0.2
    assert broken(delay="recorded").get("/").delay == 0.25
    assert broken("503", delay="recorded").get("/").delay == 0
    assert broken("503", delay="200ms").get("/").delay == 0.2


def test_lognormal_latency_repeats_itself(broken: Callable[..., Any]) -> None:
    def delays(seed: int) -> list[float]:
        world = broken(delay="lognormal(100ms,0.5)", seed=seed)
        return sorted(world.get("/").delay for _ in range(301))

    assert delays(1) == delays(1) != delays(2)
    assert 0.08 < delays(1)[150] < 0.125  # the median
    assert len(set(delays(1))) == 301


def test_a_session_chooses_for_itself(broken: Callable[..., Any]) -> None:
    world = broken("503*2", delay="1s", seed=3)
    session = world.sessions.get("default")
    assert world.get("/").status == 503
    world.faults.change(session, None, latency("2s"), None)
    assert [(world.get("/").status, world.get("/").status, world.get("/").delay)] == [(503, 200, 2.0)]
    active = world.faults.change(session, [fault("500*1")], None, None)
    assert (active.plan.seed, str(active.plan.latency)) == (3, "2000ms")
    assert world.statuses(2, "/") == [500, 200]
    world.faults.change(session, [], None, 4)
    assert world.faults.of(session).plan.seed == 4
    assert world.get("/").status == 200
    assert world.get("/", session="other").status == 503
    session.reset()
    assert world.get("/").status == 503
