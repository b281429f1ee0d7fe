"""Answers in PeerTube's spelling; the expected octets are those of samples.txt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.config.routers import Routers, load
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.twin.answers import Answers
from tests.proxy.engine.conftest import request

NOW = 1795419482.9
ANSWERS = Answers(load(), "6.3")
DOCS = "https://docs.joinpeertube.org/api-rest-reference.html"


def problem(
    method: str = "GET",
    target: str = "/api/v1/videos/1",
    status: int = 404,
    detail: str | None = "Video not found",
    **more: Any,
) -> Answer:
    return ANSWERS.problem(request(method, target), NOW, status, detail, **more)


def document(answer: Answer) -> dict[str, Any]:
    value = json.loads(read(answer.body))
    assert isinstance(value, dict)
    return value


def test_a_video_that_is_not_there() -> None:
    answer = problem(docs="getVideo")
    assert read(answer.body).decode() == (
        '{"type":"about:blank","title":"Not Found","detail":"Video not found","status":404,'
        f'"docs":"{DOCS}#operation/getVideo","error":"Video not found"}}'
    )
    assert answer.headers.pairs == (
        ("x-powered-by", "PeerTube"),
        ("X-Frame-Options", "DENY"),
        ("Tk", "N"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("Content-Type", "application/problem+json; charset=utf-8"),
        ("Content-Length", "190"),
        ("ETag", 'W/"be-2GCMlGwVev25OE7vli/1NdrrI2g"'),
        ("Date", "Mon, 23 Nov 2026 07:38:02 GMT"),
    )
    assert answer.reason == "Not Found"
    assert answer.source_text == "emulated; rules=6.3"


def test_with_a_code_there_is_no_title() -> None:
    answer = problem(
        status=401, detail="Token is invalid", code="invalid_token", docs="getVideos", target="/api/v1/videos?count=0"
    )
    assert read(answer.body).decode() == (
        f'{{"type":"{DOCS}#section/Errors/invalid_token","detail":"Token is invalid","status":401,'
        f'"docs":"{DOCS}#operation/getVideos","code":"invalid_token","error":"Token is invalid"}}'
    )
    assert answer.headers.get("ETag") == 'W/"10b-X2CZ7HowwC3p/ygSZfxZcNeFVfo"'


def test_members_in_peertubes_order() -> None:
    wrong = {
        "count": {
            "type": "field",
            "value": "1000",
            "msg": "Should have a number count (max: 100)",
            "path": "count",
            "location": "query",
        }
    }
    answer = problem(
        target="/api/v1/videos?count=1000",
        status=400,
        detail="Incorrect request parameters: count",
        instance="/api/v1/videos?count=1000",
        data={"invalid-params": wrong},
        docs="getVideos",
    )
    assert list(document(answer)) == [
        "type",
        "title",
        "detail",
        "instance",
        "status",
        "invalid-params",
        "docs",
        "error",
    ]
    assert answer.headers.get("ETag") == 'W/"19b-ZIro/U3EI5OTFTOdOVksr7Lla90"'


def test_without_words_there_is_no_detail() -> None:
    assert list(document(problem(detail=None))) == ["type", "title", "status"]
    assert document(problem(detail="")) == {"type": "about:blank", "title": "Not Found", "status": 404, "error": ""}


def test_a_status_without_a_title() -> None:
    assert "title" not in document(problem(status=418))


def test_later_versions_do_not_repeat_the_detail() -> None:
    facts = load().document.model_dump(by_alias=True)
    later = Routers.of({**facts, "problems": {**facts["problems"], "error": False}})
    answer = Answers(later, "8.0").problem(request("GET", "/api/v1/x"), NOW, 404, "Video not found")
    assert "error" not in document(answer)


def test_a_head_has_the_headers_of_the_get() -> None:
    whole, head = problem(), problem("HEAD")
    assert head.headers == whole.headers
    assert head.body.size == 0


def test_a_refusal_never_becomes_a_304() -> None:
    asked = request("GET", "/api/v1/videos/1", headers=(("If-None-Match", problem().headers.get("ETag") or ""),))
    assert ANSWERS.problem(asked, NOW, 404, "Video not found").status == 404


def test_a_success_does() -> None:
    whole = ANSWERS.json(request("GET", "/api/v1/x"), NOW, 200, {"a": 1.0})
    assert read(whole.body) == b'{"a":1}'
    asked = request("GET", "/api/v1/x", headers=(("If-None-Match", whole.headers.get("ETag") or ""),))
    fresh = ANSWERS.json(asked, NOW, 200, {"a": 1})
    assert (fresh.status, fresh.body.size, fresh.source) == (304, 0, Source.EMULATED)
    assert "Content-Type" not in fresh.headers
    assert fresh.headers.get("ETag") == whole.headers.get("ETag")
    assert ANSWERS.json(request("POST", "/api/v1/x", headers=asked.headers.pairs), NOW, 200, {"a": 1}).status == 200


def test_an_empty_answer_has_its_length_last() -> None:
    answer = ANSWERS.empty(request("GET", "/api/v1/xyz"), NOW, 400, "application/json; charset=utf-8")
    names = [name for name, _ in answer.headers]
    assert names[-3:] == ["Content-Type", "Date", "Content-Length"]
    assert "ETag" not in names
    assert "Content-Length" not in ANSWERS.empty(request("HEAD", "/api/v1/xyz"), NOW, 400).headers
    assert "Content-Length" not in ANSWERS.empty(request("GET", "/api/v1/xyz"), NOW, 204).headers


def test_no_content_keeps_the_etag_of_its_text() -> None:
    answer = ANSWERS.text(request("PUT", "/api/v1/x"), NOW, 204, "No Content")
    assert answer.headers.get("ETag") == 'W/"a-bAsFyilMr4Ra1hIU5PyoyFRunpI"'
    assert "Content-Type" not in answer.headers
    assert answer.body.size == 0


def test_a_header_of_the_answer_takes_the_place_of_the_routers() -> None:
    answer = ANSWERS.text(
        request("GET", "/api/v1/x"),
        NOW,
        200,
        "x",
        headers=[("Access-Control-Expose-Headers", "Retry-After,Location"), ("Allow", "GET")],
    )
    names = [name for name, _ in answer.headers]
    assert answer.headers.get_all("Access-Control-Expose-Headers") == ("Retry-After,Location",)
    assert names.index("Access-Control-Expose-Headers") < names.index("Allow") < names.index("Content-Type")


def test_before_the_body_is_understood_there_is_no_cors() -> None:
    answer = problem("POST", status=400, detail="Unexpected end of JSON input", code="SyntaxError", parsed=False)
    assert answer.headers.pairs[2:] == (
        ("Content-Type", "application/problem+json; charset=utf-8"),
        ("Content-Length", "204"),
        ("ETag", 'W/"cc-nIUcbKM6LgQ2g3KuKfjWLn2DrUk"'),
        ("Date", "Mon, 23 Nov 2026 07:38:02 GMT"),
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [(413, "Payload Too Large"), (422, "Unprocessable Entity"), (418, "I'm a Teapot"), (599, "unknown")],
)
def test_nodes_reason_phrases(status: int, reason: str) -> None:
    assert problem(status=status).reason == reason
