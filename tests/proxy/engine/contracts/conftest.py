"""The contracts of PeerTube 6.3 over the bundled demo: a request on a line, and what the rules say to it.

    WHO METHOD TARGET [Header: value] {"json": "body"} -> STATUS TEXT

WHO: a user of the demo; anonymous; nobody (an unknown token), empty (Bearer alone), basic (another scheme).
`(a=b&c=d)` is a form, `<name=value file=NAME;TYPE;SIZE>` a multipart one. After the arrow: `accepted` (PeerTube would
do it), `undecided`, or the status, the code in parentheses and the detail; of wrong parameters each with its message;
`= text` for other bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.store import Cassette
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.twin.twin import Twin
from peertape.proxy.engine.twin.verdict import Outcome, Verdict

CASES = Path(__file__).with_name("cases")
HOST = "127.0.0.1:9100"  # where the demo was recorded
PASSWORD = "test1234"
AUTHORIZATION = {"nobody": "Bearer 0123456789abcdef", "empty": "Bearer ", "basic": "Basic YWxpY2U6eA=="}
BOUNDARY = "the-boundary"
_BODY = re.compile(r" ([\[{(<])(.*)[\]})>]$")
_HEADER = re.compile(r" \[([\w-]+): ([^\]]*)\]")


@dataclass(frozen=True)
class Row:
    """One line of a file of cases."""

    asked: str
    expected: str

    @classmethod
    def of_file(cls, path: Path) -> list[Row]:
        lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
        return [cls(*line.split(" -> ", 1)) for line in lines]


@dataclass
class Asker:
    """Asks the engine and its rules, as users of the demo."""

    engine: Engine
    twin: Twin
    session: Session = field(default_factory=lambda: Session("asker"))
    tokens: dict[str, str] = field(default_factory=dict)

    def said(self, asked: str) -> str:
        """What the rules say, without the recordings."""
        return spelled(self.twin.judge(self.request(asked), self.session))

    def request(self, asked: str) -> Request:
        who, method, rest = asked.split(" ", 2)
        target, space, rest = rest.partition(" ")
        pairs = {"Host": HOST}
        for name, value in _HEADER.findall(space + rest):
            pairs[name] = value
        if who != "anonymous":
            pairs["Authorization"] = AUTHORIZATION.get(who) or f"Bearer {self._token(who)}"
        kind, body = self._body(_HEADER.sub("", space + rest).strip())
        if kind:
            pairs["Content-Type"] = kind
            pairs["Content-Length"] = str(len(body))
        return Request(method, target, Headers.of(list(pairs.items())), body, port=8990)

    @cached_property
    def client(self) -> str:
        """The client of the demo, as a form."""
        answer = self._answer(Request("GET", "/api/v1/oauth-clients/local", Headers.of([("Host", HOST)])))
        return "&".join(f"{name}={value}" for name, value in json.loads(read(answer.body)).items())

    def _body(self, text: str) -> tuple[str, bytes]:
        if not text:
            return "", b""
        if text.startswith("("):
            return "application/x-www-form-urlencoded", text[1:-1].replace("{client}", self.client).encode()
        if text.startswith("<"):
            parts = b"".join(_part(*item.split("=", 1)) for item in text[1:-1].split(" "))
            return f"multipart/form-data; boundary={BOUNDARY}", parts + f"--{BOUNDARY}--\r\n".encode()
        return "application/json", text.encode()

    def _token(self, user: str) -> str:
        if user not in self.tokens:
            form = f"{self.client}&grant_type=password&username={user}&password={PASSWORD}".encode()
            kind = "application/x-www-form-urlencoded"
            pairs = [("Host", HOST), ("Content-Type", kind), ("Content-Length", str(len(form)))]
            # In a session of its own: in another's course, a later refusal of the same login may be due.
            answer = self.engine.answer(Request("POST", "/api/v1/users/token", Headers.of(pairs), form), Session(user))
            self.tokens[user] = json.loads(read(answer.body))["access_token"]
        return self.tokens[user]

    def _answer(self, request: Request) -> Answer:
        return self.engine.answer(request, self.session)


def _part(name: str, value: str) -> bytes:
    """`value` of a file: NAME;TYPE;SIZE."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    file = value.split(";")
    if len(file) == 1:
        return f"{head}\r\n\r\n{value}\r\n".encode()
    head += f'; filename="{file[0]}"\r\nContent-Type: {file[1]}'
    return f"{head}\r\n\r\n".encode() + b"\0" * int(file[2]) + b"\r\n"


def spelled(verdict: Verdict) -> str:
    """As in the files of cases."""
    answer = verdict.answer
    if answer is None:
        return "undecided" if verdict.outcome is Outcome.UNDECIDED else "accepted"
    body = read(answer.body)
    if media_type(answer.headers) != "application/problem+json":
        return f"{answer.status} = {body.decode()}"
    document = json.loads(body)
    code = f" ({document['code']})" if "code" in document else ""
    if "invalid-params" in document:
        wrong = "; ".join(f"{path}: {error['msg']}" for path, error in document["invalid-params"].items())
        return f"{answer.status}{code} {{{wrong}}}"
    return f"{answer.status}{code} {document['detail']}"


@pytest.fixture(scope="session")
def asker() -> Iterator[Asker]:
    settings = Settings(limits="off", strict=None)
    with assembly.parts(settings, [Cassette(demo.path(), "demo")]) as parts:
        engine = Engine(parts.replay_stages(lambda: Actions("replay", parts.shelf, parts.sessions, parts.tally)))
        assert parts.twin is not None
        yield Asker(engine, parts.twin())
