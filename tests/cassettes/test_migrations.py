"""Cassettes of older versions: read in a copy that is up to date, and brought up to date by their writer."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support import samples

from peertape.cassettes import bodyfields, schema
from peertape.cassettes.bodies import EMPTY, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import meaning
from peertape.cassettes.learned import Token
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite import checking
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

RULES = RedactionRules.default()


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return samples.record(tmp_path / "small.cassette")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(params=[1, 2])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What an earlier peertape wrote."""
    path = tmp_path / f"version-{request.param}.cassette"
    connection = sqlite3.connect(path)
    connection.executescript((Path(__file__).parent / "versions" / "2.sql").read_text("utf-8"))
    if request.param == 1:
        connection.execute("DROP TABLE closings")
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {request.param}")
    connection.close()
    return path


def test_older_versions_are_brought_up_to_date(older: Path) -> None:
    version, before = checking.check(older), sha256(older)
    with closing(Cassette(older)) as cassette:
        read_in_a_copy = told(cassette)
    assert (checking.check(older), sha256(older)) == (version, before)
    CassetteWriter(older, RULES).close()
    assert checking.check(older) == schema.VERSION
    with closing(Cassette(older)) as cassette:
        assert told(cassette) == read_in_a_copy
        socket = cassette.exchange(samples.SOCKET)
        assert (socket.closing is None) == (version == 1)
        assert [message.content for message in socket.messages][1:] == [b"\x00\x01"]
    with closing(sqlite3.connect(older)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert not connection.execute("SELECT * FROM sqlite_schema WHERE name LIKE 'old%'").fetchall()
        rows = connection.execute("SELECT part, position, name FROM headers WHERE exchange_id = ?", (samples.ME,))
        assert rows.fetchall() == [
            ("request", 0, "Host"),
            ("request", 1, "Authorization"),
            ("response", 0, "Content-Type"),
            ("response", 1, "Retry-After"),
            ("response trailer", 0, "X-Sum"),
        ]


def test_it_is_said_once_that_it_is_read_in_a_copy(older: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        Cassette(older).close()
    (said,) = caplog.messages
    assert said.startswith(f"{older} has format ")
    assert f"`peertape cassette redact {older}` writes it anew in format {schema.VERSION}" in said


def test_an_older_one_matches_as_a_new_one_does(older: Path, tape: Path) -> None:
    """The key of the older cassette is its own, so that only requests without secrets have the same keys."""
    with closing(Cassette(older)) as old, closing(Cassette(tape)) as new:
        assert old.paths_from("/", 1000) == new.paths_from("/", 1000)
        assert old.authorities() == new.authorities()
        assert [candidate.path for candidate in old.by_path(["/api/v1/videos"])] == ["/api/v1/videos"]
        pairs = list(zip(old.candidates(), new.candidates(), strict=True))
        alike = [before.id for before, now in pairs if before.credential is None and before.method == "GET"]
        assert len(alike) == 6
        for before, now in pairs:
            if before.id in alike:
                assert before == now
        me, refused = old.candidate(samples.ME), old.candidate(samples.REFUSED)
        assert me is not None
        assert refused is not None
        assert old.token(me.credential or "") == Token(refused=False, passed=True)
        assert old.token(refused.credential or "") == Token(refused=True, passed=False)
        assert old.token("never presented") is None


def login(name: str, password: str = samples.PASSWORD) -> bytes:
    """As another client sends it: with another order, and a field that does not count."""
    form = {"username": name, "password": password, "grant_type": "password", "colour": "blue"}
    return urlencode({**form, "client_secret": "s3cret", "client_id": "vyhr4kxq0m"}).encode()


@pytest.mark.parametrize(
    ("target", "body", "kind", "expected"),
    [
        ("/api/v1/users/token", login("alice"), bodyfields.FORM, [1]),
        ("/api/v1/users/token", login("bob"), bodyfields.FORM, [2]),
        ("/api/v1/users/token", login("bob", "a wrong one"), bodyfields.FORM, [3]),
        ("/api/v1/users/token", login("bob", "another wrong one"), bodyfields.FORM, []),
        ("/api/v1/users/token", b'{"password":"correct horse","username":"carol","a":1}', samples.JSON, [4]),
        ("/api/v1/videos/9/comment-threads?draft=1", b'{"text":"One"}', "application/json", [5]),
        ("/api/v1/videos/9/comment-threads?draft=1", b'{"text": "Two"}', "application/json", [6]),
        ("/api/v1/videos/9/comment-threads?draft=1", b'{"text":"Three"}', "application/json", []),
        ("/api/v1/videos/9/studio/edit", b'{"tasks":[1,2,3]}', "application/json", [9]),
    ],
)
def test_one_of_version_3_is_looked_through_by_what_bodies_tell(
    of_version_3: Path, target: str, body: bytes, kind: str, expected: list[int]
) -> None:
    with closing(Cassette(of_version_3)) as cassette:
        keys = cassette.keys("POST", target, Headers.of([("Content-Type", kind)]), body)
        found = cassette.by_meaning([keys.folded_path], keys.meaning)
        assert found.few
        assert [candidate.id for candidate in found.first] == expected
        assert [one.id for one in cassette.windows(["/api/v1/videos"], meaning("start=4&sort=-name"), 2)] == [8]


def told(cassette: Cassette) -> list[object]:
    """All that it says of its exchanges, bodies as octets."""
    return [
        (
            replace(found.request, body=EMPTY),
            found.response and replace(found.response, body=EMPTY),
            read(found.request.body),
            found.response and read(found.response.body),
            (found.timing, found.state, found.error, found.messages, found.closing),
        )
        for found in cassette.exchanges()
    ]
