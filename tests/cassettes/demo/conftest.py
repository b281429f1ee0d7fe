"""The bundled demo, and a new client of it: another program, at another Host, with a login of its own."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.model import Exchange
from peertape.cassettes.paths import LOGIN
from peertape.cassettes.store import Cassette
from peertape.config import facts
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session

with warnings.catch_warnings():  # mitmproxy, which reads flow files, uses old names of pyparsing and pyasn1
    warnings.simplefilter("ignore")
    import mitmproxy.addons.savehar  # noqa: F401

HOST = "127.0.0.1:8990"
PASSWORD = "test1234"  # of root, alice, bob, carol and mod
KNOWN_USERS = ("root", "alice", "bob", "carol", "mod")
# Without these a request would mean something else; a client sends them of itself.
NEEDED = frozenset(
    {
        "content-type",
        "content-range",
        "x-upload-content-length",
        "x-upload-content-type",
        "x-peertube-video-password",
        "x-peertube-otp",
    }
)
MOCKOON = Path(__file__).with_name("mockoon_routes.txt")
# Requests with these are about something else than the operation itself.
SPECIAL = frozenset({"range", "if-none-match", "if-modified-since", "if-match", "if-range", "origin"})


@dataclass(frozen=True)
class Route:
    """An operation of an API: a method, and a path with parameters (`{id}` or `:id`)."""

    method: str
    template: str

    @cached_property
    def expression(self) -> re.Pattern[str]:
        # The API description forgets the video's UUID in the paths of HLS files.
        pieces = re.split(r"(\{filename\}|\{\w+\}|:\w+)", self.template)
        return re.compile("".join(self._piece(piece) for piece in pieces))

    @staticmethod
    def _piece(piece: str) -> str:
        if piece == "{filename}":
            return "(?:[0-9a-f-]{36}/)?[^/]+"
        return "[^/]+" if piece.startswith(("{", ":")) else re.escape(piece)

    @property
    def rank(self) -> list[bool]:
        """The most literal route is meant: `/users/me` is no `/users/{id}`."""
        return [piece.startswith((":", "{")) or "{" in piece for piece in self.template.split("/")]

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


def by_route(routes: Iterable[Route], candidates: Iterable[Candidate]) -> dict[Route, list[Candidate]]:
    """What was recorded of each route."""
    found: dict[Route, list[Candidate]] = {route: [] for route in sorted(routes, key=lambda route: route.rank)}
    for candidate in candidates:
        for route in found:
            if route.method == candidate.method and route.expression.fullmatch(candidate.path):
                found[route].append(candidate)
                break
    return found


@cache
def cassette() -> Cassette:
    return Cassette(demo.path(), "demo")


def pytest_sessionfinish() -> None:
    if cassette.cache_info().currsize:
        cassette().close()


@cache
def recorded() -> tuple[Candidate, ...]:
    return tuple(candidate for candidate in cassette().candidates() if candidate.replayable)


@cache
def kind_of(user: str) -> str:
    return {row.name: row.role for row in cassette().users()}.get(user) or "User"


def asker(candidate: Candidate) -> str | None:
    """The user who asked; None for an anonymous one."""
    return cassette().user_of(candidate.credential) if candidate.credential else None


def kind(candidate: Candidate) -> str:
    """Anonymous, User, Moderator or Administrator."""
    user = asker(candidate)
    return kind_of(user) if user else "Anonymous"


def plainness(candidate: Candidate) -> tuple[bool, bool, int]:
    """The plainest recording of a route first: one that went well, with no special headers."""
    names = {name.lower() for name, _ in cassette().exchange(candidate.id).request.headers}
    return not 200 <= (candidate.status or 0) < 400, not names.isdisjoint(SPECIAL), candidate.id


@dataclass(frozen=True)
class Case:
    """One route, asked by one kind of identity, and the plainest recording of that."""

    route: Route
    kind: str
    recording: Candidate

    def __str__(self) -> str:
        return f"{self.route} as {self.kind}"


def cases(routes: Iterable[Route]) -> Iterator[Case]:
    for route, candidates in by_route(routes, recorded()).items():
        for each in sorted({kind(candidate) for candidate in candidates}):
            of_kind = [candidate for candidate in candidates if kind(candidate) == each]
            yield Case(route, each, min(of_kind, key=plainness))


def api_routes() -> list[Route]:
    return [Route(method, path) for path, methods in facts.load().routes.items() for method in methods]


def mockoon_routes() -> list[Route]:
    """The mock has the feeds below /api/v1, where PeerTube has none."""
    lines = [line.split() for line in MOCKOON.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [Route(method, path.replace("/api/v1/feeds/", "/feeds/")) for method, path in lines]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, routes in (("api_case", api_routes), ("mockoon_case", mockoon_routes)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, list(cases(routes())), ids=str)


class NewClient:
    """Asks the engine in process, as a program would that was never recorded."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session = Session("new client")
        self._token: str | None = None

    def ask(self, method: str, target: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> Answer:
        pairs = [("Host", HOST), ("User-Agent", "new-client/1.0"), ("Accept", "*/*"), *headers]
        if self._token is not None:
            pairs.append(("Authorization", f"Bearer {self._token}"))
        if body:
            pairs.append(("Content-Length", str(len(body))))
        return self._engine.answer(Request(method, target, Headers.of(pairs), body), self._session)

    def ask_like(self, exchange: Exchange) -> Answer:
        """Asks for what was recorded, with only those headers of the recording that it cannot do without."""
        request, body = exchange.request, read(exchange.request.body)
        partial = exchange.response is not None and exchange.response.status == 206
        names = NEEDED | {"range"} if partial else NEEDED
        if media_type(request.headers) == "application/json" and body:
            body = json.dumps(json.loads(body), indent=1, sort_keys=True).encode()
        needed = [(name, value) for name, value in request.headers if name.lower() in names]
        return self.ask(request.method, request.target, body, needed)

    def log_in(self, user: str) -> None:
        """As a known user with the password in the clear; as another with what the recording has for it."""
        if user in KNOWN_USERS:
            answer = self.try_password(user, PASSWORD)
        else:
            login, fields = recorded_login(user)
            otp = [(name, value) for name, value in login.request.headers if name.lower() == "x-peertube-otp"]
            answer = self.post_form(LOGIN, dict(reversed(fields)), otp)
        assert answer.status == 200, read(answer.body)
        self._token = json.loads(read(answer.body))["access_token"]

    def try_password(self, user: str, password: str, **more: str) -> Answer:
        oauth = json.loads(read(self.ask("GET", "/api/v1/oauth-clients/local").body))
        fields = {**oauth, "grant_type": "password", "response_type": "code", "username": user, "password": password}
        return self.post_form(LOGIN, {**fields, **more})

    def post_form(self, path: str, fields: dict[str, str], headers: Iterable[tuple[str, str]] = ()) -> Answer:
        form = {name: value for name, value in fields.items() if value}
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.ask("POST", path, urlencode(form).encode(), [kind, *headers])


@cache
def recorded_login(user: str) -> tuple[Exchange, tuple[tuple[str, str], ...]]:
    for candidate in recorded():
        if candidate.method == "POST" and candidate.path == LOGIN and candidate.status == 200:
            exchange = cassette().exchange(candidate.id)
            fields = parse_qsl(read(exchange.request.body).decode())
            if ("username", user) in fields:
                return exchange, tuple(fields)
    raise LookupError(f"no login of {user} was recorded")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    settings = Settings(limits="off", strict=None)
    with assembly.parts(settings, [Cassette(demo.path(), "demo")]) as parts:
        actions = Actions("replay", parts.shelf, parts.sessions, parts.tally)
        yield Engine(parts.replay_stages(lambda: actions))


@pytest.fixture
def client(engine: Engine) -> NewClient:
    return NewClient(engine)


@pytest.fixture
def api_recordings() -> dict[Route, list[Candidate]]:
    return by_route(api_routes(), recorded())


@pytest.fixture
def mockoon_recordings() -> dict[Route, list[Candidate]]:
    return by_route(mockoon_routes(), recorded())


@pytest.fixture
def ask_case(client: NewClient) -> Callable[[Case], None]:
    """Asks as a new client of the same kind, and demands what a real server said to that kind."""

    def ask(case: Case) -> None:
        if user := asker(case.recording):
            client.log_in(user)
        answer = client.ask_like(cassette().exchange(case.recording.id))
        assert answer.source in (Source.RECORDED, Source.DERIVED), answer.nearest
        if not any(pattern.matches(case.route.method, case.recording.path) for pattern in facts.same_for_all()):
            assert {kind(other) for other in recorded() if other.id == answer.exchange} == {case.kind}

    return ask
