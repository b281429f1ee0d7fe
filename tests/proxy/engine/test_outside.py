"""What is answered around PeerTube's routes: preflights, refused bodies and paths, unknown routes and pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.store import Cassette
from peertape.config.routers import Routers, load
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.malformed import MalformedPathStage, is_decodable
from peertape.proxy.engine.stages.miss import MissStage
from peertape.proxy.engine.stages.parsing import ParsingStage
from peertape.proxy.engine.stages.preflight import PreflightStage
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.unknown import UnknownStage
from peertape.proxy.engine.tolerance import Tolerance
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.routes import Routes
from tests.proxy.engine.conftest import Tape, request

KNOWN = Routes(
    [
        ("GET", "/api/v1/videos", None),
        ("GET", "/api/v1/videos/{id}", None),
        ("PUT", "/api/v1/videos/{id}", None),
        ("POST", "/api/v1/users/register", None),
        ("GET", "/accounts/{name}", None),
        ("GET", "/static/web-videos/{filename}", None),
    ]
)
ORIGIN = ("Origin", "http://app.example")
PAGE = (("Content-Type", "text/html; charset=utf-8"), ("Vary", "Accept-Language"))


@dataclass
class Instance:
    engine: Engine
    session: Session = field(default_factory=lambda: Session("default"))

    def ask(self, method: str, target: str, *headers: tuple[str, str], **more: Any) -> Answer:
        return self.engine.answer(request(method, target, headers=headers, **more), self.session)


@pytest.fixture
def start(tape: Tape) -> Iterator[Callable[..., Instance]]:
    opened: list[Cassette] = []

    def make(routers: Routers = load()) -> Instance:  # noqa: B008 (immutable)
        opened.append(tape.cassette())
        shelf, tolerance = Shelf(opened), Tolerance()
        recorded = RecordedStage(shelf, Matcher(tolerance))
        answers = Answers(routers, "6.3")

        def knows(method: str, path: str) -> bool:
            return KNOWN.find(method, path) is not None

        return Instance(
            Engine(
                [
                    PreflightStage(routers, answers, recorded),
                    ParsingStage(routers, answers, recorded),
                    MalformedPathStage(answers, knows, recorded),
                    recorded,
                    UnknownStage(routers, answers, knows, shelf, recorded),
                    MissStage(Explainer(shelf, tolerance)),
                ]
            )
        )

    yield make
    for cassette in opened:
        cassette.close()


Start = Callable[..., Instance]


def told(answer: Answer) -> tuple[int, Any]:
    """The status, and code and detail of an error document."""
    document = json.loads(read(answer.body))
    return answer.status, (document.get("code"), document.get("detail"))


class TestPreflights:
    def test_any_path_of_the_api(self, start: Start) -> None:
        wanted = ("Access-Control-Request-Headers", "authorization,range")
        answer = start().ask("OPTIONS", "/api/v1/no/such/route", ORIGIN, wanted)
        assert (answer.status, answer.reason, answer.source) == (204, "No Content", Source.EMULATED)
        assert answer.headers.get("Access-Control-Allow-Headers") == "authorization,range"
        assert answer.headers.get("Access-Control-Allow-Credentials") == "true"
        assert [name for name, _ in answer.headers][-2:] == ["Content-Length", "Date"]

    def test_the_methods_that_there_are(self, start: Start) -> None:
        answer = start().ask("OPTIONS", "/inbox", ORIGIN)
        assert (answer.status, answer.headers.get("Allow"), read(answer.body)) == (200, "POST", b"POST")
        assert answer.headers.get("Content-Type") == "text/html; charset=utf-8"
        assert "Access-Control-Allow-Origin" not in answer.headers

    def test_a_redirect_is_as_that_of_a_get(self, tape: Tape, start: Start) -> None:
        tape.add("GET", "/services/redirect/accounts/alice", b"Found.", 302, response_headers=(("Location", "/x"),))
        answer = start().ask("OPTIONS", "/services/redirect/accounts/alice", ORIGIN)
        assert (answer.status, answer.headers.get("Location"), answer.source) == (302, "/x", Source.DERIVED)

    def test_a_redirect_that_is_not_recorded_is_a_miss(self, start: Start) -> None:
        assert start().ask("OPTIONS", "/services/redirect/accounts/bob").source is Source.MISS

    def test_socket_io(self, start: Start) -> None:
        assert start().ask("OPTIONS", "/socket.io/?EIO=4&transport=polling").status == 400

    def test_a_recorded_one_wins(self, tape: Tape, start: Start) -> None:
        tape.add("OPTIONS", "/api/v1/videos", b"", 200, headers=(ORIGIN,), response_headers=(("X-Mine", "1"),))
        instance = start()
        assert instance.ask("OPTIONS", "/api/v1/videos", ORIGIN).source is Source.RECORDED
        other = instance.ask("OPTIONS", "/api/v1/videos", ORIGIN, ("Access-Control-Request-Headers", "range"))
        assert other.source is Source.EMULATED

    def test_an_instance_with_settings_for_tests(self, start: Start) -> None:
        instance = start(load().fitted(development=True, absent=()))
        assert instance.ask("OPTIONS", "/inbox").status == 204
        assert instance.ask("OPTIONS", "/services/redirect/accounts/bob").status == 204


class TestParsing:
    def test_malformed_json(self, start: Start) -> None:
        answer = start().ask("POST", "/api/v1/users/register", ("Content-Type", "application/json"), body=b'{"a":')
        assert told(answer) == (400, ("SyntaxError", "Unexpected end of JSON input"))
        assert "Tk" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers

    def test_it_comes_before_all_routes(self, start: Start) -> None:
        answer = start().ask("POST", "/no/such/page", ("Content-Type", "application/json"), body=b"nonsense")
        assert answer.status == 400

    def test_a_recorded_answer_wins(self, tape: Tape, start: Start) -> None:
        kind = (("Content-Type", "application/json"),)
        tape.add("POST", "/api/v1/users/register", {"detail": "as recorded"}, 400, body=b'{"a":', headers=kind)
        answer = start().ask("POST", "/api/v1/users/register", *kind, body=b'{"a":')
        assert answer.source is Source.RECORDED

    def test_a_head_that_is_too_large(self, start: Start) -> None:
        answer = start().ask("GET", "/api/v1/videos", ("X-Big", "x" * 17000))
        assert (answer.status, answer.headers.pairs) == (431, (("Connection", "close"),))

    def test_socket_io_reads_its_bodies_itself(self, start: Start) -> None:
        target = "/socket.io/?EIO=4&transport=polling&sid=x"
        answer = start().ask("POST", target, ("Content-Type", "application/json"), body=b"40")
        assert answer.source is Source.MISS


class TestMalformedPaths:
    @pytest.mark.parametrize(
        ("method", "path", "detail"),
        [
            ("GET", "/api/v1/videos/%zz", "Failed to decode param '%zz'"),
            ("DELETE", "/api/v1/videos/%E0%A4%A", "Failed to decode param '%E0%A4%A'"),
            ("GET", "/api/v1/abc/%zz/d", "Failed to decode param 'abc/%zz/d'"),
            ("GET", "/accounts/%", "Failed to decode param '%'"),
            ("GET", "/%zz", "Failed to decode param '%zz'"),
        ],
    )
    def test_a_parameter(self, start: Start, method: str, path: str, detail: str) -> None:
        answer = start().ask(method, path)
        assert told(answer) == (400, ("URIError", detail))
        assert "Tk" in answer.headers

    def test_a_file(self, start: Start) -> None:
        assert told(start().ask("GET", "/static/web-videos/%zz")) == (400, ("BadRequestError", "Bad Request"))

    def test_what_no_route_decodes(self, start: Start) -> None:
        assert start().ask("GET", "/no/%zz", ("Accept", "application/json")).status == 406
        assert read(start().ask("GET", "/api/v1/ping/%zz").body) == b"pong"

    def test_what_javascript_decodes(self) -> None:
        assert all(map(is_decodable, ["", "a", "%20", "%C3%A9", "%f0%9f%98%80"]))
        assert not any(map(is_decodable, ["%", "%2", "%zz", "%C3", "%FF", "a%+1"]))


class TestUnknownRoutes:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/api/v1/xyz"),
            ("GET", "/api/v1"),
            ("GET", "/API/V1/"),
            ("PATCH", "/api/v1/videos/1"),
            ("PROPFIND", "/api/v1/videos"),
        ],
    )
    def test_an_empty_400(self, start: Start, method: str, path: str) -> None:
        answer = start().ask(method, path)
        assert (answer.status, answer.body.size, answer.source) == (400, 0, Source.EMULATED)
        assert answer.headers.get("Content-Type") == "application/json; charset=utf-8"
        assert answer.headers.pairs[-1] == ("Content-Length", "0")
        assert "ETag" not in answer.headers

    @pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/videos"), ("HEAD", "/api/v1/videos/1")])
    def test_a_known_route_is_a_miss(self, start: Start, method: str, path: str) -> None:
        assert start().ask(method, path).source is Source.MISS

    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/api/v1/ping"), ("GET", "/api/v1/ping/x"), ("GET", "/api/v1/ping/")]
    )
    def test_ping(self, start: Start, method: str, path: str) -> None:
        answer = start().ask(method, path)
        assert (answer.status, read(answer.body)) == (200, b"pong")
        assert answer.headers.get("ETag") == 'W/"4-DlFKBmK8tp3IY5U9HOJuPUDoGoc"'


class TestPages:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("accept", ["application/json", "application/json, text/plain, */*", "image/png"])
    def test_only_html_is_served(self, start: Start, method: str, accept: str) -> None:
        answer = start().ask(method, "/no/such/page", ("Accept", accept))
        assert (answer.status, answer.body.size) == (406, 0)
        assert "Content-Type" not in answer.headers
        assert answer.headers.get("Access-Control-Allow-Origin") == "*"

    @pytest.mark.parametrize(
        "accept", [(), (("Accept", "*/*"),), (("Accept", "text/html,*/*;q=0.8"),), (("Accept", ""),)]
    )
    def test_the_page_is_the_same_everywhere(
        self, tape: Tape, start: Start, accept: tuple[tuple[str, str], ...]
    ) -> None:
        tape.add("GET", "/about/instance", b"<html>", headers=accept, response_headers=PAGE)
        instance = start()
        for path in ("/", "/no/such/page", "/feeds/nothing.xml", "/api/v2/videos", "/services/nothing"):
            answer = instance.ask("GET", path, *accept)
            assert (answer.status, read(answer.body)) == (200, b"<html>")
            assert answer.source_text.startswith("derived; exchange=1")
        assert instance.ask("HEAD", "/x", *accept).body.size == 0

    @pytest.mark.parametrize(
        "path",
        [
            "/w/abc",
            "/videos/watch/abc",
            "/a/nobody",
            "/@nobody",
            "/videos/embed/x",
            "/fr",
            "/de-DE/x",
            "/client/fr/x.js",
            "/robots.txt",
        ],
    )
    def test_pages_of_their_own_are_misses(self, tape: Tape, start: Start, path: str) -> None:
        tape.add("GET", "/", b"<html>", response_headers=PAGE)
        assert start().ask("GET", path).source is Source.MISS

    def test_a_remembered_language_has_a_page_of_its_own(self, tape: Tape, start: Start) -> None:
        tape.add("GET", "/", b"<html>", response_headers=PAGE)
        assert start().ask("GET", "/x", ("Cookie", "clientLanguage=fr-FR")).source is Source.MISS

    def test_without_a_recorded_page_it_is_a_miss(self, start: Start) -> None:
        assert start().ask("GET", "/no/such/page").source is Source.MISS
