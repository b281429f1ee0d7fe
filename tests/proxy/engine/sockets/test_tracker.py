"""The tracker's language."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.conversations import REFUSAL, STRANGE, TORRENT, announce

from peertape.config import sockets
from peertape.proxy.engine.sockets import tracker

FACTS = sockets.load("6.3").tracker


def test_a_peer_and_its_offers_do_not_matter() -> None:
    assert tracker.tell(announce()) == tracker.tell(announce(peer_id="another", offers=[1], numwant=9, left=0))
    assert tracker.tell(announce())[0] != tracker.tell(announce(event="stopped"))[0]
    assert tracker.tell(announce())[0] != tracker.tell(announce(STRANGE))[0]
    assert tracker.tell(announce())[0] != tracker.tell(announce(answer={"sdp": "x"}))[0]


def test_an_announce_is_about_its_torrent_whatever_the_event() -> None:
    assert tracker.tell(announce())[1] == tracker.tell(announce(event="stopped"))[1] == ("announce", TORRENT)


@pytest.mark.parametrize(("left", "event", "seen"), [(0, "started", (1, 0)), (9, "", (0, 1)), (0, "stopped", (0, 0))])
def test_a_peer_alone(left: int, event: str, seen: tuple[int, int]) -> None:
    told = json.loads(tracker.answer(announce(left=left, event=event), FACTS) or "")
    assert (told["complete"], told["incomplete"]) == seen


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (announce("short"), "invalid info_hash"),
        (announce(peer_id=7), "invalid peer_id"),
        (announce(answer={}, to_peer_id=1), None),
        (announce(answer={"sdp": "x"}), "invalid `to_peer_id` (required with `answer`)"),
        ('{"action":"scrape","info_hash":"short"}', "invalid info_hash"),
        ('{"action":7}', "invalid action in WS request: 7"),
        ("{}", "invalid action in WS request: undefined"),
        ("[]", "invalid action in WS request: undefined"),
    ],
)
def test_what_is_wrong(content: str, reason: str | None) -> None:
    told = json.loads(tracker.answer(content, FACTS) or "null")
    assert told.get("failure reason") == reason


def test_an_answer_to_another_peer_gets_none() -> None:
    assert tracker.answer(announce(answer={"sdp": "x"}, to_peer_id="p" * 20), FACTS) is None


def test_a_refusal() -> None:
    assert tracker.is_refusal(json.dumps({"failure reason": REFUSAL}))
    assert not tracker.is_refusal(json.dumps({"failure reason": "invalid info_hash"}))


@given(st.text() | st.binary())
def test_nothing_that_is_sent_breaks_it(content: str | bytes) -> None:
    tracker.tell(content)
    tracker.without_event(content)
    answer = tracker.answer(content, FACTS)
    assert answer is None or "failure reason" in json.loads(answer)
