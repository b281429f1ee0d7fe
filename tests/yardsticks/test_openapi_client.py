"""The client that openapi-generator makes of PeerTube's own description works on the demo, for every operation in it.

The description and what is generated of it are PeerTube's (AGPL): they stay outside of the project. Where the
description contradicts what a real PeerTube sends, the client must fail on the recorded octets in the same way.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import urllib3
from pydantic import ValidationError
from support import openapi
from support.clients import module, shared
from support.openapi import Built, Method, Sent
from support.process import Peertape

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.codings import codings_of, decode
from peertape.cassettes.headers import media_type
from peertape.cassettes.model import Exchange
from peertape.cassettes.paths import LOGIN, uuid_of
from peertape.cassettes.store import Cassette
from peertape.config import facts

PASSWORD = "test1234"  # of the demo's known users
KNOWN_USERS = frozenset({"root", "alice", "bob", "carol", "mod"})
# What its user must give besides the arguments.
NEEDED = frozenset({"x-peertube-video-password", "x-peertube-otp"})
# Of one connection, or of a body's coding.
HOP = frozenset({"host", "connection", "content-length", "content-encoding", "transfer-encoding", "accept-encoding"})
# Requests with these are about something else than the operation itself.
SPECIAL = frozenset({"range", "if-none-match", "if-modified-since", "if-match", "if-range", "origin"})
MOST_REPEATS = 5  # of a request that was recorded with several answers, one after the other
MOST_TRIED, MOST_SENT = 60, 3  # recordings of an operation: that are looked at, and that are asked for
OPERATIONS = 238  # of the 241 described ones: one was never asked, and PeerTube itself lacks two

# What the client cannot ask for as it was recorded; each is proven anew, and the replay answers the recorded request.
NO_SUCH_PARAMETER = "the description lacks the parameter that was recorded"
NO_SUCH_BODY = "the description lacks the body that was recorded"
NO_PATH_PARAMETER = "the description names a path parameter that it does not define: the client sends its name"
NO_NESTED_FIELDS = "the generator writes no nested fields (`a[0][b]`) into a form"
WRONG_MODEL = "the description has an object where PeerTube takes a number"
WRONG_MEMBERS = "the client's model drops members that were recorded, or adds a null"
WRONG_TYPE = "the description has a form where JSON was recorded"
INEXPRESSIBLE = {
    "GET /api/v1/videos/comments": NO_SUCH_PARAMETER,
    "GET /api/v1/users/me/videos/comments": NO_SUCH_PARAMETER,
    "GET /api/v1/server/logs": NO_SUCH_PARAMETER,
    "GET /api/v1/server/audit-logs": NO_SUCH_PARAMETER,
    "PUT /api/v1/config/custom": NO_SUCH_BODY,
    "POST /api/v1/videos/ownership/{id}/accept": NO_SUCH_BODY,
    "POST /api/v1/videos/{id}/blacklist": NO_SUCH_BODY,
    "GET /download/videos/generate/{videoId}": NO_PATH_PARAMETER,
    "POST /api/v1/users/{userId}/imports/import-resumable": NO_PATH_PARAMETER,
    "PUT /api/v1/users/{userId}/imports/import-resumable": NO_PATH_PARAMETER,
    "DELETE /api/v1/users/{userId}/imports/import-resumable": NO_PATH_PARAMETER,
    "POST /api/v1/videos/{id}/source/replace-resumable": NO_PATH_PARAMETER,
    "PUT /api/v1/videos/{id}/source/replace-resumable": NO_PATH_PARAMETER,
    "DELETE /api/v1/videos/{id}/source/replace-resumable": NO_PATH_PARAMETER,
    "POST /api/v1/videos/{id}/captions/generate": NO_PATH_PARAMETER,
    "POST /api/v1/videos/{id}/studio/edit": NO_NESTED_FIELDS,
    "POST /api/v1/videos/live": NO_NESTED_FIELDS,
    "POST /api/v1/runners/jobs/{jobUUID}/success": NO_NESTED_FIELDS,
    "POST /api/v1/users": WRONG_MODEL,
    "PUT /api/v1/users/{id}": WRONG_MEMBERS,
    "PUT /api/v1/users/me/notification-settings": WRONG_MEMBERS,
    "POST /api/v1/videos/{id}/give-ownership": WRONG_TYPE,
}


@dataclass(frozen=True)
class Told:
    """What the client was told, and what its own models say to that: nothing, or why they refuse it."""

    status: int
    source: str
    octets: bytes
    refusal: str | None

    @property
    def exchange(self) -> int | None:
        found = re.search(r"exchange=(\d+)", self.source)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Attempt:
    """A recorded exchange as the client would ask for it: `differences` is empty where it can."""

    candidate: Candidate
    arguments: dict[str, Any]
    differences: list[str]
    can_be_sent: bool

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """What the client asks for without help comes first."""
        return not self.can_be_sent, len(self.differences), "Accept" in self.arguments.get("_headers", {})


@dataclass
class Player:
    """The demo, and the client that asks its replay at `url`."""

    url: str
    cassette: Cassette
    package: Any
    sessions: Iterator[int] = field(default_factory=count)

    def operations(self) -> dict[str, list[Candidate]]:
        """The successful exchanges of each operation of the description, the plainest first."""
        templates = [(method, path) for path, methods in facts.load().routes.items() for method in methods]
        templates.sort(key=lambda template: ["{" in piece for piece in template[1].split("/")])  # literal ones first
        routes = [(method, path, openapi.expression_of(path)) for method, path in templates]
        found: dict[str, list[Candidate]] = {f"{method} {path}": [] for method, path in templates}
        for candidate in self.cassette.candidates():
            for method, path, expression in routes:
                if method == candidate.method and expression.fullmatch(candidate.path):
                    if candidate.replayable and candidate.status in range(200, 400):
                        found[f"{method} {path}"].append(candidate)
                    break
        return {name: sorted(candidates, key=self._plainness) for name, candidates in found.items()}

    def _plainness(self, candidate: Candidate) -> tuple[bool, bool, bool, int]:
        names = {name.lower() for name, _ in self.cassette.exchange(candidate.id).request.headers}
        is_known = self._user(candidate) in {*KNOWN_USERS, None}
        return (candidate.status or 0) >= 300, not names.isdisjoint(SPECIAL), not is_known, candidate.id

    def _user(self, candidate: Candidate) -> str | None:
        return self.cassette.user_of(candidate.credential) if candidate.credential else None

    def attempt(self, method: Method, candidate: Candidate) -> Attempt:
        exchange = self.cassette.exchange(candidate.id)
        arguments = method.arguments(exchange.request, self._numbers)

        def stop(_: Any, request: Any) -> Any:
            raise Built(Sent(*request))

        def built(headers: dict[str, str]) -> Sent | str:
            try:
                with self._client(stop) as client:
                    method.call(client, arguments | {"_headers": headers})
            except Built as stopped:
                return stopped.sent
            except ValidationError as refused:
                return str(refused)
            raise AssertionError(f"{method} sends nothing")

        sent = built({})
        if isinstance(sent, str):
            return Attempt(candidate, arguments, [sent], can_be_sent=False)
        arguments["_headers"] = self._headers(exchange, sent)
        return Attempt(candidate, arguments, sent.differences(exchange, self._numbers), can_be_sent=True)

    def _headers(self, exchange: Exchange, sent: Sent) -> dict[str, str]:
        """What its user must add: what was said besides, and Accept where the client prefers another type."""
        assert exchange.response is not None
        names = NEEDED | {"range"} if exchange.response.status == 206 else NEEDED
        added = {name: value for name, value in exchange.request.headers if name.lower() in names}
        added = {name: value for name, value in added.items() if name.lower() not in map(str.lower, sent.headers)}
        kind = media_type(exchange.response.headers)
        accepted = sent.headers.get("Accept", "*/*")
        return added | ({"Accept": kind} if kind and kind not in accepted and "*/*" not in accepted else {})

    def _numbers(self, name: str) -> list[str]:
        """Of what is named by its UUID, or by the short form of that."""
        uuid = uuid_of(name) or name
        return [number for kind in facts.load().named_resources for number in self.cassette.numbers(kind, uuid)]

    def ask(self, method: Method, attempt: Attempt) -> Told:
        """In a new session; again, where the same was recorded with another answer before."""
        session = f"operation-{next(self.sessions)}"
        token = self._log_in(attempt.candidate, session)
        for _ in range(MOST_REPEATS):
            told = self._told(method, attempt.arguments, session, token)
            if told.status == attempt.candidate.status or not (told.exchange or sys.maxsize) < attempt.candidate.id:
                break
        return told

    def _told(self, method: Method, arguments: dict[str, Any], session: str, token: str | None) -> Told:
        heard = []

        def listen(send: Callable[..., Any], request: Any) -> Any:
            heard.append(send(*request))
            heard[-1].read()
            return heard[-1]

        refusal = self._refusal(method, arguments, listen, session, token)
        assert heard, refusal
        response = heard[0]
        return Told(
            response.status, response.headers.get("Peertape-Source", ""), self._recorded(response.data), refusal
        )

    def refusal_of_recorded(self, method: Method, attempt: Attempt, number: int) -> str | None:
        """What the client's models say to the recorded octets themselves."""
        response = self.cassette.exchange(number).response
        assert response is not None
        headers = {name: value for name, value in response.headers if name.lower() not in HOP}

        def play(*_: Any) -> Any:
            raw = urllib3.HTTPResponse(self.body(number), headers, response.status, reason=response.reason)
            return self.package.rest.RESTResponse(raw)

        return self._refusal(method, attempt.arguments, play)

    def _refusal(
        self,
        method: Method,
        arguments: dict[str, Any],
        call: Callable[..., Any],
        session: str = "",
        token: str | None = None,
    ) -> str | None:
        try:
            with self._client(call, session, token) as client:
                method.call(client, dict(arguments) | {"_headers": dict(arguments["_headers"])})
        except self.package.ApiException as told:
            return f"{type(told).__name__}: {told.status}"
        except ValueError as refused:  # pydantic's too; whatever else the client raises fails the test
            return self._recorded(f"{type(refused).__name__}: {refused}".encode()).decode()
        return None

    @contextmanager
    def _client(self, call: Callable[..., Any], session: str = "", token: str | None = None) -> Iterator[Any]:
        """A client whose requests go through `call(send, request)`."""

        class Client(self.package.ApiClient):
            def call_api(self, *request: Any, _request_timeout: float | None = None) -> Any:
                return call(super().call_api, request)

        redirects = urllib3.Retry(0, redirect=False)
        settings = self.package.Configuration(
            host=self.url, access_token=token, retries=redirects, safe_chars_for_path_param="/"
        )
        client = Client(settings)
        if session:
            client.set_default_header("Peertape-Session", session)
        if token:
            client.set_default_header("Authorization", f"Bearer {token}")
        try:
            yield client
        finally:
            client.rest_client.pool_manager.clear()

    def body(self, number: int) -> bytes:
        """Of a recorded response, with no coding."""
        response = self.cassette.exchange(number).response
        assert response is not None
        decoded = decode(read(response.body), codings_of(response.headers), sys.maxsize)
        assert decoded is not None
        return decoded.octets

    def _recorded(self, octets: bytes) -> bytes:
        """With the links as they were recorded."""
        origin, ours = urlsplit(self.cassette.public_origin or ""), urlsplit(self.url)
        octets = octets.replace(ours.netloc.encode(), origin.netloc.encode())
        return octets.replace(quote(ours.netloc, safe="").encode(), quote(origin.netloc, safe="").encode())

    def ask_as_recorded(self, candidate: Candidate) -> Told:
        """With the recorded request itself."""
        session = f"operation-{next(self.sessions)}"
        token = self._log_in(candidate, session)
        request = self.cassette.exchange(candidate.id).request
        headers = {name: value for name, value in request.headers if name.lower() not in HOP}
        headers |= {"Peertape-Session": session, **({"Authorization": f"Bearer {token}"} if token else {})}
        with urllib3.PoolManager(retries=urllib3.Retry(0, redirect=False)) as http:
            for _ in range(MOST_REPEATS):
                answer = http.request(request.method, self.url + request.target, read(request.body), headers=headers)
                if answer.status == candidate.status:
                    break
        return Told(answer.status, answer.headers.get("Peertape-Source", ""), self._recorded(answer.data), None)

    def _log_in(self, candidate: Candidate, session: str) -> str | None:
        user = self._user(candidate)
        if user is None:
            return None
        with urllib3.PoolManager(headers={"Peertape-Session": session}) as http:
            fields = self._recorded_login(user)
            if user in KNOWN_USERS:
                known = {"grant_type": "password", "response_type": "code", "username": user, "password": PASSWORD}
                fields = http.request("GET", f"{self.url}/api/v1/oauth-clients/local").json() | known
            answer = http.request("POST", self.url + LOGIN, fields=fields, encode_multipart=False)
            assert answer.status == 200, answer.data
            return str(answer.json()["access_token"])

    def _recorded_login(self, user: str) -> dict[str, str]:
        for candidate in self.cassette.candidates():
            if candidate.method == "POST" and candidate.path == LOGIN and candidate.status == 200:
                fields = dict(parse_qsl(read(self.cassette.exchange(candidate.id).request.body).decode()))
                if fields.get("username") == user:
                    return fields
        raise LookupError(f"no login of {user} was recorded")


def check(player: Player, method: Method, candidates: list[Candidate]) -> tuple[str, str]:
    """How it went, and why: `works`, `refused` by the client's own models as the real octets are, `inexpressible`."""
    attempts = sorted(
        (player.attempt(method, candidate) for candidate in candidates[:MOST_TRIED]), key=lambda a: a.rank
    )
    trouble, successes = [], {candidate.id for candidate in candidates}
    for attempt in attempts[:MOST_SENT]:
        if not attempt.can_be_sent:
            continue
        told = player.ask(method, attempt)
        wrong = wrongness(player, attempt, told, successes)
        if wrong is None:
            assert told.exchange is not None
            if told.refusal is None:
                return "works", ""
            refusal = player.refusal_of_recorded(method, attempt, told.exchange)
            if refusal == told.refusal:
                return "refused", refusal
            wrong = f"the client refuses it: {told.refusal}; but of the recorded octets it says {refusal}"
        if not attempt.differences:
            return "FAILED", wrong
        trouble.append(wrong)
    best = attempts[0]
    wrong = wrongness(player, best, player.ask_as_recorded(best.candidate), successes)
    if wrong is None:
        return "inexpressible", "; ".join(best.differences + trouble)
    return "FAILED", f"the recorded request itself gets {wrong}"


def wrongness(player: Player, attempt: Attempt, told: Told, successes: Set[int]) -> str | None:
    """Why it is not what was recorded of the operation."""
    if told.status != attempt.candidate.status or not told.source.startswith(("recorded", "derived")):
        return f"{told.status}, {told.source} instead of {attempt.candidate.status} as in {attempt.candidate.id}"
    if told.exchange not in successes:
        return f"{told.source} names no exchange of the operation"
    if told.octets != player.body(told.exchange):
        return f"another body than in {told.exchange}: {told.octets!r:.200}"
    return None


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # what the description calls so
def test_every_operation_of_the_demo(
    peertape: Callable[..., Peertape], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    module("openapi_generator_cli")
    module("dateutil")
    description = shared("observed/openapi-6.3.0.yaml")
    monkeypatch.syspath_prepend(openapi.generate(description, tmp_path / "client"))
    replay = peertape("replay", "demo", "--limits", "off")
    methods = {str(method): method for method in openapi.methods()}
    with closing(Cassette(demo.path(), "demo")) as cassette:
        player = Player(replay.url, cassette, importlib.import_module(openapi.PACKAGE))
        outcomes = {}
        for name, candidates in player.operations().items():
            if candidates:
                method = methods.get(name) or methods[re.sub(r"\{(\w+)\}", r":\1", name)]
                outcomes[name] = check(player, method, candidates)
    counts = Counter(kind for kind, _ in outcomes.values())
    with capsys.disabled():
        print(f"\ngenerated client: {len(outcomes)} operations, {dict(counts)}")
    for name, (kind, more) in outcomes.items():
        if kind != "works":
            print(f"{kind}: {name}: {more:.500}")
    failed = [f"{name}: {more}" for name, (kind, more) in outcomes.items() if kind == "FAILED"]
    assert not failed, "\n".join(failed)
    assert {name for name, (kind, _) in outcomes.items() if kind == "inexpressible"} == set(INEXPRESSIBLE)
    assert len(outcomes) == OPERATIONS
