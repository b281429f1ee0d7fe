"""Errors on demand: made for requests that have not earned them, by a header or by a fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.store import Cassette
from peertape.config import faultfacts, limits, routers
from peertape.config.contracts import Contracts
from peertape.config.faults import FaultError, fault
from peertape.proxy.engine.chain import Engine, Rest
from peertape.proxy.engine.coverage import says
from peertape.proxy.engine.faults.active import Faults
from peertape.proxy.engine.faults.documents import Documents
from peertape.proxy.engine.faults.plan import Plan
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.ondemand import OnDemand, demand_documented
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.faults import FaultStage
from peertape.proxy.engine.stages.preferred import PreferredErrorStage, PreferredLimitStage
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.catalogue import Catalogues, Choice
from peertape.proxy.engine.twin.contract import Book, book, compiled
from peertape.proxy.engine.twin.repeats import Refusals
from peertape.proxy.engine.twin.twin import Twin
from tests.proxy.engine.conftest import Tape, request
from tests.proxy.engine.twin.conftest import RIGHTS

LIMITS = limits.load("6.3")
VIDEO = {"id": 5, "uuid": "23febe54-7704-4ef9-8bbc-0d205abb6ec2", "name": "A film", "duration": 12}
ROUTE = "/api/v1/videos/{id}"


class _End:
    """What is recorded, as far as these tests are concerned."""

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002
        return Answer(200, request.headers.without("host", "prefer"), exchange=7, cassette="c")


@dataclass
class Maker:
    engine: Engine
    errors: OnDemand
    book: Book
    session: Session = field(default_factory=lambda: Session("default"))

    def ask(self, prefer: str, method: str = "GET", target: str = "/api/v1/videos/5", **more: Any) -> Answer:
        wish = (("Prefer", prefer),) if prefer else ()
        return self.engine.answer(request(method, target, headers=wish, **more), self.session)

    def document(self, prefer: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(read(self.ask(prefer, **more).body))
        return found


@pytest.fixture
def making(tape: Tape) -> Iterator[Callable[..., Maker]]:
    opened: list[Cassette] = []

    def start(
        *steps: Any, rules: Book | None = None, faults: tuple[str, ...] = (), at: str = "/api/v1/videos"
    ) -> Maker:
        kinds = {"video": {"missing": "Video not found", "keys": ["id", "uuid"]}, "user": {"keys": ["id", "username"]}}
        routes = {
            f"GET {ROUTE}": {
                "steps": steps,
                "at": at,
                "docs": "getVideo",
                "effects": [{"learn": {"video": "response"}}],
            },
            "GET /api/v1/users/me": {"effects": [{"learn": {"user": "response"}}]},
        }
        rules = rules or compiled(Contracts.model_validate({"kinds": kinds, "routes": routes}), RIGHTS)
        opened.append(tape.cassette())
        answers = Answers(routers.load("6.3"), "6.3")
        twin = Twin(Shelf(opened), rules, answers)
        errors = OnDemand(lambda: twin, answers, LIMITS)
        documents = Documents(answers, faultfacts.load(), LIMITS, lambda: errors)
        struck = FaultStage(Faults(Plan(tuple(map(fault, faults)))), documents)
        stages = [struck, PreferredLimitStage(lambda: errors), PreferredErrorStage(lambda: errors), _End()]
        return Maker(Engine(stages), errors, rules)

    yield start
    for cassette in opened:
        cassette.close()


def test_a_documented_error(making: Callable[..., Maker]) -> None:
    maker = making({"refuse": "video.locked", "status": 403, "detail": "Give a password.", "code": "needs_password"})
    answer = maker.ask("code=403, example=needs_password")
    assert (answer.status, answer.headers.get("preference-applied")) == (403, "code=403, example=needs_password")
    assert answer.source_text == "emulated; rules=6.3; prefer=needs_password"
    assert answer.headers.get("access-control-allow-origin") == "*"
    document = json.loads(read(answer.body))
    assert document["detail"] == "Give a password."
    assert document["code"] == "needs_password"
    assert document["docs"].endswith("getVideo")
    assert maker.ask("code=403").headers.get("preference-applied") == "code=403"


def test_what_is_not_known_there(making: Callable[..., Maker]) -> None:
    answer = making({"find": {"video": "params.id"}}).ask("code=403, example=nonsense")
    assert answer.status == 200
    assert answer.headers.get("peertape-preference") == "unknown; route has 404 video-not-found, 429 too-many-requests"
    assert answer.headers.get("preference-applied") is None
    assert answer.source_text == "recorded; exchange=7; prefer=unknown"


def test_a_route_without_rules(making: Callable[..., Maker]) -> None:
    answer = making().ask("code=404", target="/api/v1/ping")
    assert answer.headers.get("peertape-preference") == "unknown; route has no documented errors"


def test_what_would_have_been_anyway(making: Callable[..., Maker]) -> None:
    answer = making().ask("code=200")
    assert (answer.headers.get("preference-applied"), answer.remark) == ("code=200", ())
    assert "preference-applied" not in making().ask("return=minimal").headers
    assert "peertape-preference" not in making().ask("").headers


def test_the_limits(making: Callable[..., Maker]) -> None:
    answer = making().ask("code=429")
    assert (answer.status, answer.headers.get("retry-after")) == (429, "10")
    assert answer.headers.get("x-ratelimit-remaining") == "0"
    assert answer.source_text == "emulated; rules=6.3; prefer=too-many-requests"


def test_texts_name_what_is_known(making: Callable[..., Maker], tape: Tape) -> None:
    tape.add("GET", "/api/v1/videos/5", VIDEO)
    maker = making(
        {"find": {"video": "params.id"}},
        {"let": {"half": "video.duration / 2"}},
        {"refuse": "False", "detail": "Not {half} of {video.uuid} at {query.at}"},
    )
    assert maker.document("code=400", target="/api/v1/videos/5?at=9")["detail"] == f"Not 6 of {VIDEO['uuid']} at 9"
    # Nothing is known of this one: the request's own words stand for it.
    assert maker.document("code=400", target="/api/v1/videos/8")["detail"] == "Not 8 of 8 at 8"
    assert maker.document("code=400", target="/api/v1/videos/8?uuid=u")["detail"] == "Not 8 of u at 8"


def test_whoever_asks_is_named(making: Callable[..., Maker], tape: Tape) -> None:
    steps = ({"login": "required"}, {"right": "SEE_ALL"})
    example = "example=missing-right-see-all"
    said = "User {} does not have right 20 to access to /5."
    assert making(*steps).document(example)["detail"] == said.format("user")
    tape.add("GET", "/api/v1/users/me", {"id": 1, "username": "root", "role": {"id": 0, "label": "Administrator"}})
    tape.add("GET", "/api/v1/users/me", {"id": 2, "username": "alice", "role": {"id": 2, "label": "User"}})
    assert making(*steps).document(example)["detail"] == said.format("alice")  # who lacks it


def test_refused_parameters(making: Callable[..., Maker]) -> None:
    maker = making(
        {
            "validate": [
                {"query.count": ["optional", {"is": "integer", "max": 100, "message": "At most 100"}]},
                {"query.since": ["optional", {"date": "Should be a date"}]},
                {"body.tags.*": [{"is": "length", "min": 2, "message": "Too short"}]},
                {"body.odd": [{"is": "true-when", "that": "value != 'never'", "message": "Odd"}]},
            ]
        }
    )

    def errors(prefer: str, query: str = "") -> Any:
        return maker.document(prefer, target=f"/api/v1/videos/5{query}")["invalid-params"]

    own = {"type": "field", "value": "7", "msg": "At most 100", "path": "count", "location": "query"}
    assert errors("code=400", "?count=7") == {"count": own}  # the message of a wrong value, told of the request's own
    assert errors("code=400", "?count=700")["count"]["value"] == "700"
    assert errors("example=invalid-params")["count"]["value"] == "invalid"
    assert errors("example=invalid-params.since")["since"]["msg"] == "Should be a date"
    assert errors('example="invalid-params.tags.*"')["tags[0]"]["msg"] == "Too short"
    assert errors("example=invalid-params.odd")["odd"]["msg"] == "Odd"
    assert maker.document("code=400")["detail"] == "Incorrect request parameters: count"


def test_nothing_is_remembered_of_it(making: Callable[..., Maker]) -> None:
    maker = making({"once": ["1"], "seconds": 60, "detail": "Again", "steps": [{"refuse": "True", "detail": "First"}]})
    assert maker.document("example=first")["detail"] == "First"
    assert Refusals not in maker.session.memory


def test_as_a_fault(making: Callable[..., Maker]) -> None:
    maker = making({"find": {"video": "params.id"}}, faults=("404/video-not-found*1", "429/too-many-requests*1"))
    assert maker.ask("", target="/api/v1/ping").status == 200  # that route has no such error
    struck = maker.ask("")
    assert (struck.status, struck.source_text) == (404, "fault; name=404/video-not-found")
    assert json.loads(read(struck.body))["detail"] == "Video not found"
    assert [maker.ask("").status for _ in range(2)] == [429, 200]


def test_faults_that_cannot_be() -> None:
    def catalogues() -> Catalogues:
        return Catalogues(book("6.3"), LIMITS)

    demand_documented([fault("403/video_requires_password"), fault("503"), fault("429/too-many-requests")], catalogues)
    demand_documented([fault("403/video_requires_password@GET /api/v1/videos/*")], catalogues)
    with pytest.raises(FaultError, match=r"GET /api/v1/videos/42 has 403 .*, 403 video_requires_password"):
        demand_documented([fault("403/video_requires@GET /api/v1/videos/42")], catalogues)
    with pytest.raises(FaultError, match="PeerTube has no errors of status 418"):
        demand_documented([fault("418/teapot")], catalogues)


def test_every_error_of_peertube_can_be_made(making: Callable[..., Maker]) -> None:
    maker = making(rules=book("6.3"))
    known = Catalogues(maker.book, LIMITS)
    for contract in maker.book.contracts:
        methods, _, path = contract.name.partition(" ")
        sample = re.sub(r"\{\w+\*?(:[^{}]*)?\}", "1", path)
        asked = request(methods.partition("|")[0], sample)
        found = maker.book.routes.find(asked.method, sample)
        if found is None or found.route is not contract:
            continue  # what looks so is no path of this route
        for error in known.of_contract(contract):
            answer = maker.errors.answer(Choice(error), asked, maker.session)
            assert answer.status == error.status, (contract.name, error)
            assert says(error, read(answer.body).decode()), (contract.name, error, read(answer.body))
