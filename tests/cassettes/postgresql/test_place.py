"""Opening a cassette on a server: what may be wrong, who else is there, and what readers see."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support import samples
from support.commands import one_sentence, run
from support.postgresql import GUARDED, PASSWORD, Server
from support.process import wait_for

from peertape.cassettes import errors, rewriting, schema
from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.model import Exchange
from peertape.cassettes.place import Place
from peertape.cassettes.postgresql import tables
from peertape.cassettes.postgresql.connecting import writing_engine
from peertape.cassettes.postgresql.place import ServerPlace
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite.place import FilePlace
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

RULES = RedactionRules.default()


@pytest.fixture
def tape(there: Place) -> Place:
    """With one exchange of every kind."""
    with closing(CassetteWriter(there, RULES, upstream="https://tube.example")) as writer:
        for exchange in samples.exchanges():
            writer.add(exchange)
    return there


def test_commands_take_it_like_a_file(tape: Place, tmp_path: Path) -> None:
    file = samples.record(tmp_path / "small.cassette")
    for arguments in (["ls"], ["lint"]):
        assert run(*arguments, tape).stdout == run(*arguments, file).stdout
    assert run("audit", tape, "--secret", "zebra").stdout == run("audit", file, "--secret", "zebra").stdout
    told = [run("stats", each).stdout.splitlines() for each in (tape, file)]
    told_of = [[line for line in lines if not line.startswith(("file ", " "))] for lines in told]
    assert told_of[0] == told_of[1]
    flows = [tmp_path / "a.har", tmp_path / "b.har"]
    for each, flow in zip((tape, file), flows, strict=True):
        assert run("export", each, flow).exit_code == 0
    assert run("import", tape, flows[0]).exit_code == 0
    assert run("ls", tape).stdout.count("\n") == 2 * len(samples.exchanges())


def test_cassettes_move_between_files_and_servers(tmp_path: Path, there: Place, server: Server) -> None:
    file, back = samples.record(tmp_path / "small.cassette"), tmp_path / "back.cassette"
    assert run("export", file, there).exit_code == 0
    assert run("export", there, back).exit_code == 0
    assert "is there already" in one_sentence(run("export", back, there))
    assert "is there already" in one_sentence(run("export", there, back))
    held = []
    for each in (FilePlace(file), there, FilePlace(back)):
        with closing(Cassette(each)) as cassette:
            pseudonyms = {row.text for row in cassette.query(schema.pseudonyms.select())}
            held.append((cassette.meta(), pseudonyms, [*map(plain, cassette.exchanges())]))
    assert held[0] == held[1] == held[2]
    assert run("export", tmp_path / "none.cassette", server.fresh()).exit_code == 2


def plain(exchange: Exchange) -> Exchange:
    """With its bodies as octets, so that two can be compared."""
    request, response = exchange.request, exchange.response
    return replace(
        exchange,
        request=replace(request, body=BytesBody(read(request.body))),
        response=response and replace(response, body=BytesBody(read(response.body))),
    )


def test_secrets_are_found_in_tables(there: Place) -> None:
    with closing(CassetteWriter(there, RULES)) as writer:
        writer.add(samples.made(1, "GET", "/zebra", 200, {"message": "a zebra"}))
    found = run("audit", there, "--secret", "zebra")
    assert found.exit_code == 1
    assert "table exchanges" in found.stdout
    assert "response body" in found.stdout


def test_nothing_at_all(there: Place, url: str) -> None:
    assert not there.exists()
    said = one_sentence(run("ls", url))
    assert said.startswith(f"There is no cassette {there}; `peertape record --cassette '{there}'`")
    with pytest.raises(errors.CassetteMissing):
        Cassette(there)


def test_an_empty_schema_is_made_use_of(server: Server, there: Place) -> None:
    server.sql(f'CREATE SCHEMA "{there.name}"')
    with pytest.raises(errors.CassetteMissing):
        Cassette(there)
    CassetteWriter(there, RULES).close()
    with closing(Cassette(there)) as cassette:
        assert cassette.count() == 0


def test_what_is_no_cassette(server: Server, there: Place) -> None:
    server.sql(f'CREATE SCHEMA "{there.name}"', f'CREATE TABLE "{there.name}".mine (a int)')
    assert "is a schema of that database, but not a cassette." in one_sentence(run("ls", there))
    with pytest.raises(errors.NotACassette):
        CassetteWriter(there, RULES)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (f"UPDATE cassette_format SET version = {schema.VERSION + 1}", errors.CassetteTooNew),
        (f"UPDATE cassette_format SET version = {schema.VERSION - 1}", errors.CassetteTooOld),
        ("DELETE FROM meta WHERE name = 'key'", errors.CassetteCorrupted),
        ("DROP TABLE meta", errors.CassetteCorrupted),
    ],
)
def test_what_cannot_be_opened(server: Server, tape: Place, damage: str, kind: type[errors.CassetteError]) -> None:
    server.sql(f'SET search_path = "{tape.name}"', damage)
    with pytest.raises(kind):
        Cassette(tape)
    assert str(tape) in one_sentence(run("ls", tape))


def test_an_older_one_is_brought_up_to_date(there: ServerPlace, of_version_3: Path) -> None:
    """As in a file: the tables of version 3 are those of version 4."""
    CassetteWriter(there, RULES).close()
    engine = writing_engine(there.address)
    with closing(sqlite3.connect(of_version_3)) as file:
        file.row_factory = sqlite3.Row
        with engine.begin() as server:
            for table in schema.metadata.sorted_tables:
                rows = [dict(row) for row in file.execute(f'SELECT * FROM "{table.name}"')]
                server.execute(table.delete())
                if rows:
                    server.execute(table.insert(), rows)
            tables.note_version(server, 3)
    engine.dispose()
    with pytest.raises(errors.CassetteTooOld):
        Cassette(there)
    CassetteWriter(there, RULES).close()
    with closing(Cassette(of_version_3)) as expected, closing(Cassette(there)) as cassette:
        for table in schema.metadata.sorted_tables:
            assert {*map(tuple, cassette.query(table.select()))} == {*map(tuple, expected.query(table.select()))}


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    said = one_sentence(run("ls", f"postgresql+psycopg://a:{PASSWORD}@/d?host={tmp_path}"))
    assert "the server cannot be reached" in said
    assert PASSWORD not in said


def test_no_such_database(server: Server) -> None:
    assert "has no database nowhere; `createdb nowhere`" in one_sentence(run("ls", server.url(database="nowhere")))


def test_who_may_come_in(server: Server, tape: Place, tmp_path: Path) -> None:
    server.sql(
        f'GRANT USAGE ON SCHEMA "{tape.name}" TO {GUARDED}',
        f'GRANT SELECT ON ALL TABLES IN SCHEMA "{tape.name}" TO {GUARDED}',
    )
    url = server.url(tape.name, user=GUARDED)
    with_password = url.replace(f"{GUARDED}@", f"{GUARDED}:{PASSWORD}@")
    for said in (one_sentence(run("ls", url)), one_sentence(run("ls", url, PGPASSWORD="wrong"))):
        assert "the server refuses the login" in said
        assert "PGPASSWORD" in said
    wrong = one_sentence(run("ls", url.replace(f"{GUARDED}@", f"{GUARDED}:wr0ng@")))
    assert "wr0ng" not in wrong
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:{GUARDED}:{PASSWORD}\n")
    passwords.chmod(0o600)
    services = tmp_path / "services"
    services.write_text(f"[team]\nhost={server.folder}\nuser={GUARDED}\ndbname=postgres\npassword={PASSWORD}\n")
    by_service = f"postgresql+psycopg:///?cassette={tape.name}"
    for listed in (
        run("ls", with_password),
        run("ls", url, PGPASSWORD=PASSWORD),
        run("ls", url, PGPASSFILE=str(passwords)),
        run("ls", by_service, PGSERVICEFILE=str(services), PGSERVICE="team"),
    ):
        assert listed.exit_code == 0, listed.stderr
        assert listed.stdout.count("\n") == len(samples.exchanges())
    refused = one_sentence(run("redact", with_password))
    assert "permission denied" in refused
    assert PASSWORD not in refused


def test_without_the_driver(there: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'peertape[postgresql]'" in one_sentence(run("ls", there))


def test_two_writers_at_once(tape: Place, tmp_path: Path) -> None:
    flows = tmp_path / "flows.mitm"
    assert run("export", tape, flows).exit_code == 0
    with closing(CassetteWriter(tape, RULES)) as first:
        assert one_sentence(run("import", tape, flows)).startswith(f"{tape} is being recorded into by another process")
        first.add(samples.made(11, "GET", "/still/mine", 200))
    assert "/still/mine" in run("ls", tape).stdout


RECORDER = """
import sys, time
sys.path[:0] = sys.argv[2:]
from support import samples
from peertape.cassettes import places
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter
writer = CassetteWriter(places.named(sys.argv[1]), RedactionRules.default())
writer.add(samples.made(1, "GET", "/committed", 200, b"x"))
writer.commit()
writer.add(samples.made(2, "GET", "/lost", 200, b"x"))
print("there", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def recorder(url: str) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Another process that records into the cassette, and has committed one exchange."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        tests = str(Path(__file__).parents[2])
        process = subprocess.Popen(
            [sys.executable, "-c", RECORDER, url, tests], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_killed_recorder_leaves_what_it_had_committed_and_the_lock(
    recorder: Callable[[], subprocess.Popen[str]], there: Place
) -> None:
    process = recorder()
    with pytest.raises(errors.CassetteBusy):
        CassetteWriter(there, RULES)
    process.kill()
    process.wait()
    with closing(CassetteWriter(there, RULES)) as writer:
        writer.add(samples.made(3, "GET", "/next", 200))
    with closing(Cassette(there)) as cassette:
        assert [(each.id, each.target) for each in cassette.candidates()] == [(1, "/committed"), (2, "/next")]


def test_readers_hear_of_other_processes(recorder: Callable[[], subprocess.Popen[str]], there: Place) -> None:
    CassetteWriter(there, RULES).close()
    with closing(Cassette(there)) as cassette:
        before = cassette.changes()
        assert cassette.authorities() == frozenset()
        recorder()
        wait_for(lambda: cassette.changes() != before)
        assert cassette.authorities() == {"tube.example"}


def test_a_server_that_is_started_anew(tape: Place, server: Server) -> None:
    with closing(Cassette(tape)) as cassette:
        assert len(cassette.by_path(["/api/v1/videos"])) == 1
        before = cassette.changes()
        server.control("restart")
        wait_for(lambda: cassette.changes() != before)
        assert len(cassette.by_path(["/api/v1/videos"])) == 1
        assert cassette.count() == len(samples.exchanges())


def test_nothing_can_be_written_by_a_reader(tape: Place) -> None:
    with closing(Cassette(tape)) as cassette, pytest.raises(errors.CassetteReadOnly):
        cassette.query(schema.meta.delete())


def test_redacting_anew(tape: Place, server: Server) -> None:
    with closing(Cassette(tape)) as old:
        before = [(each.id, each.request.target) for each in old.exchanges()]
        assert rewriting.rewrite(tape, RULES, lambda *_: None) == len(before)
        assert [(each.id, each.request.target) for each in old.exchanges()] == before  # who reads it reads on
    assert server.sql(f"SELECT count(*) FROM pg_namespace WHERE nspname LIKE '{tape.name}%'") == "1"
    with closing(CassetteWriter(tape, RULES)) as writer:
        assert writer.add(samples.made(1, "GET", "/more", 200)) == before[-1][0] + 1
