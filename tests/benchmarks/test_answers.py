"""A benchmark that measures wrong answers is worth nothing: they are found before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers.granian import Granian
from benchmarks.peers.peer import Answer
from benchmarks.peers.peertape import Replay
from benchmarks.workload import Ask, Workload
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import RecordedResponse

HERE = "http://127.0.0.1:5000"
BODY = b'{"url":"https://tube.example/w/1","next":"https%3A%2F%2Ftube.example%2Fa","file":"https://files.example/f"}'
PLAYED = (
    b'{"url":"http://127.0.0.1:5000/w/1","next":"http%3A%2F%2F127.0.0.1%3A5000%2Fa",'
    b'"file":"http://127.0.0.1:5000/__peertape__/host/https/files.example/f"}'
)
LIMITED = Headers((("X-RateLimit-Limit", "50"),))
ASK = Ask("/api/v1/videos/1", Headers(), RecordedResponse(200, "OK", "HTTP/1.1", LIMITED), BODY)
WORKLOAD = Workload(Path("none.cassette"), 1, "https://tube.example", [ASK])
GOOD = {"peertape-source": "recorded; exchange=1", "x-ratelimit-remaining": "7"}


def test_links_to_the_peer_are_what_links_to_the_instance_were() -> None:
    assert Replay("serve").wrong(ASK, Answer(200, GOOD, PLAYED), WORKLOAD, HERE) is None
    assert Granian(holding=True).wrong(ASK, Answer(200, {}, BODY), WORKLOAD, HERE) is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(404, GOOD, PLAYED), "status 404"),
        (Answer(200, GOOD, PLAYED.replace(b"/w/1", b"/w/2")), "another body"),
        (Answer(200, GOOD, b""), "another body"),
        (Answer(200, {**GOOD, "peertape-source": "emulated; rules=6.3"}, PLAYED), "not recorded"),
        (Answer(200, {"peertape-source": "recorded; exchange=1"}, PLAYED), "no rate limit"),
    ],
)
def test_a_wrong_answer_is_told(answer: Answer, why: str) -> None:
    assert why in (Replay("serve").wrong(ASK, answer, WORKLOAD, HERE) or "")
