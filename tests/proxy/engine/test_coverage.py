"""What a cassette shows of PeerTube's API."""

from __future__ import annotations

import json

from peertape.cassettes.model import State
from peertape.config import limits
from peertape.proxy.engine.coverage import Coverage, Operation, coverage
from peertape.proxy.engine.twin.catalogue import Catalogues
from peertape.proxy.engine.twin.contract import book
from tests.proxy.engine.conftest import Tape

PROBLEM = (("Content-Type", "application/problem+json; charset=utf-8"),)


def covered(tape: Tape) -> Coverage:
    cassette = tape.cassette()
    try:
        return coverage([cassette], Catalogues(book("6.3"), limits.load("6.3")), "6.3", lambda _name: True)
    finally:
        cassette.close()


def operation(found: Coverage, name: str) -> Operation:
    return next(one for one in found.operations if one.name == name)


def refuse(tape: Tape, target: str, status: int, **document: object) -> int:
    return tape.add("GET", target, {"status": status, **document}, status, response_headers=PROBLEM)


def test_shown_by_an_answer_that_is_no_refusal(tape: Tape) -> None:
    tape.add("GET", "/api/v1/videos/5", {"id": 5})
    tape.add("HEAD", "/api/v1/videos/5/description", b"")
    refuse(tape, "/api/v1/videos/5/captions", 404, detail="Video not found")
    tape.add("GET", "/api/v1/videos", state=State.CUT)
    found = covered(tape)
    assert operation(found, "GET /api/v1/videos/{id}").is_shown
    assert operation(found, "GET /api/v1/videos/{id}/description").is_shown
    assert not operation(found, "GET /api/v1/videos/{id}/captions").is_shown
    assert not operation(found, "GET /api/v1/videos").is_shown
    assert str(found.of_operations) == "2 of 241"


def test_refusals_are_the_errors_of_the_rules(tape: Tape) -> None:
    target = "/api/v1/videos/5"
    refuse(tape, target, 404, detail="Video not found")
    refuse(tape, target, 404, detail="Video not found")
    refuse(tape, target, 401, detail="Token is invalid", code="invalid_token")
    refuse(tape, target, 400, detail="Incorrect request parameters: id", **{"invalid-params": {"id": {}}})
    refuse(tape, "/api/v1/users", 403, detail="User alice does not have right 1 to access to /.")
    found = covered(tape)
    shown = operation(found, "GET /api/v1/videos/{id}")
    assert {str(error): count for error, count in shown.errors if count} == {
        "401 invalid_token": 1,
        "400 invalid-params": 1,
        "404 video-not-found": 2,
    }
    assert [str(error) for error in operation(found, "GET /api/v1/users").shown] == ["403 missing-right-manage-users"]
    assert found.of_errors.shown == 4
    assert found.others == 0


def test_refusals_that_no_rule_knows(tape: Tape) -> None:
    tape.add("GET", "/api/v1/videos/5", b"<p>Bad Gateway", 502)
    number = refuse(tape, "/api/v1/videos/5", 404, detail="Nothing of the kind")
    refuse(tape, "/api/v1/videos/5", 401, detail="Token is invalid", code="another")
    tape.add("GET", "/api/v1/videos/5", b"Too many", 429)
    tape.add("GET", "/api/v1/videos/5", b"", 416)
    tape.add("GET", "/nowhere", b"", 404)
    others = operation(covered(tape), "GET /api/v1/videos/{id}").others
    assert [(other.status, other.said) for other in others] == [
        (502, "<p>Bad Gateway"),
        (404, "Nothing of the kind"),
        (401, "Token is invalid"),
    ]
    assert others[1].exchange == number


def test_limits_are_no_matter_of_recordings(tape: Tape) -> None:
    found = covered(tape)
    assert all(error.status != 429 for one in found.operations for error, _ in one.errors)
    assert json.dumps(found.of_operations.percent) == "0.0"
