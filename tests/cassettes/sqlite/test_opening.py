"""Opening what is damaged, foreign, too new or read-only: one sentence, exit code 2, and the file stays as it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection
from support import samples
from support.commands import one_sentence, run

from peertape.cassettes import errors, migrations, schema
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite import checking
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

RULES = RedactionRules.default()
NOBODY = 65534
Corrupt = Callable[[Path], object]


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return samples.record(tmp_path / "small.cassette")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.close()


def foreign_with_log(path: Path) -> None:
    """As a program leaves it that was killed."""
    path.unlink()
    original = path.with_name("original")
    connection = sqlite3.connect(original)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (a)")
    shutil.copyfile(original, path)
    shutil.copyfile(f"{original}-wal", f"{path}-wal")
    connection.close()


def changed(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def overwrite(path: Path, start: int, octets: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(octets)


WRONG: dict[str, tuple[Corrupt, str]] = {
    "text": (lambda p: p.write_text("Dear diary, " * 100), "is not a cassette."),
    "flow file": (lambda p: p.write_bytes(b"1234:7:version;2:21#" * 20), "`peertape cassette import`"),
    "HAR file": (lambda p: p.write_text('{"log": {}}' + " " * 200), "`peertape cassette import`"),
    "empty": (lambda p: p.write_bytes(b""), "is not a cassette."),
    "head only": (lambda p: p.write_bytes(p.read_bytes()[:50]), "is not a cassette."),
    "foreign SQLite": (foreign, "is a SQLite database, but not a cassette."),
    "foreign with log": (foreign_with_log, "is a SQLite database, but not a cassette."),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-5000]), "is cut short: "),
    "truncated to a page": (lambda p: p.write_bytes(p.read_bytes()[:4096]), "is cut short: "),
    "corrupted pages": (lambda p: overwrite(p, 4096, b"\xff" * 20000), "is damaged: "),
    "corrupted head": (lambda p: overwrite(p, 18, b"\xff\xff"), "is damaged: "),
    "newer": (
        lambda p: changed(p, f"PRAGMA user_version = {schema.VERSION + 1}"),
        f"has format {schema.VERSION + 1}, this peertape knows {schema.VERSION} at most; update peertape to open it.",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_opened(tape: Path, kind: str) -> None:
    spoil, sentence = WRONG[kind]
    spoil(tape)
    before = sha256(tape)
    recording = samples.record(tape.with_name("other.cassette"))
    flows = tape.with_name("flows.mitm")
    assert run("export", recording, flows).exit_code == 0
    for arguments in (("ls", tape), ("stats", tape), ("audit", tape), ("import", tape, flows), ("redact", tape)):
        assert sentence in one_sentence(run(*arguments)), arguments
        assert sha256(tape) == before, arguments


def test_a_folder(tmp_path: Path) -> None:
    assert one_sentence(run("ls", tmp_path)) == f"{tmp_path} is a folder, not a cassette.\n"
    with pytest.raises(errors.NotACassette):
        CassetteWriter(tmp_path, RULES)


def test_nothing_at_all(tmp_path: Path) -> None:
    assert "There is no cassette" in one_sentence(run("ls", tmp_path / "none.cassette"))
    with pytest.raises(errors.CassetteMissing, match="there is no folder"):
        CassetteWriter(tmp_path / "folder" / "new.cassette", RULES)
    (tmp_path / "file").touch()
    with pytest.raises(errors.CassetteMissing, match="is a file, not a folder"):
        CassetteWriter(tmp_path / "file" / "new.cassette", RULES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE chunks SET data = zeroblob(length(data)) WHERE coding = 'zstd'",
        "DELETE FROM chunks",
        "UPDATE chunks SET size = 1, data = zeroblob(0), coding = 'identity'",
    ],
)
def test_a_damaged_body(tape: Path, damage: str) -> None:
    """SQLite's own check does not see it."""
    changed(tape, damage)
    before = sha256(tape)
    for arguments in (("show", tape, samples.IMAGE, "--request"), ("ls", tape)):
        assert run(*arguments).exit_code == 0
    for arguments in (("export", tape, tape.with_name("out.har")), ("redact", tape)):
        assert "damaged: body" in one_sentence(run(*arguments))
    assert sorted(path.name for path in tape.parent.iterdir()) == [tape.name]
    assert sha256(tape) == before or run("ls", tape).exit_code == 0


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("DELETE FROM meta WHERE name = 'key'", "is damaged: its key is missing."),
        ("DROP TABLE meta", "is damaged: "),
        ("DROP TABLE messages", "is damaged: "),
    ],
)
def test_missing_parts(tape: Path, damage: str, sentence: str) -> None:
    changed(tape, "PRAGMA foreign_keys = OFF", damage)
    before = sha256(tape)
    assert sentence in one_sentence(run("export", tape, tape.with_name("out.har")))
    assert sha256(tape) == before


def _second(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE users ADD COLUMN shoe_size INTEGER DEFAULT 43")


@pytest.fixture
def _newer_peertape(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 (made by this one)
    later = (*migrations.MIGRATIONS, _second)
    monkeypatch.setattr(schema, "VERSION", len(later))
    monkeypatch.setattr(migrations, "migrate", partial(migrations.migrate, migrations=later))


@pytest.mark.usefixtures("_newer_peertape")
def test_an_older_one_is_read_through_a_copy(tape: Path) -> None:
    before = sha256(tape)
    copies = set(Path(tempfile.gettempdir()).glob("peertape-*"))
    cassette = Cassette(tape)
    assert cassette.count() == 10
    assert cassette.query(schema.meta.select())
    with cassette._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT shoe_size FROM users").scalar_one() == 43
    cassette.close()
    assert sha256(tape) == before
    assert set(Path(tempfile.gettempdir()).glob("peertape-*")) <= copies


@pytest.mark.usefixtures("_newer_peertape")
def test_an_older_one_is_brought_up_to_date_by_its_writer(tape: Path) -> None:
    CassetteWriter(tape, RULES).close()
    assert checking.check(tape) == schema.VERSION
    assert run("ls", tape).stdout.count("\n") == 10


def test_a_migration_that_fails_leaves_all_as_it_was(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TABLE users")
        connection.exec_driver_sql("SELECT * FROM nowhere")

    later = (*migrations.MIGRATIONS, fail)
    monkeypatch.setattr(schema, "VERSION", len(later))
    monkeypatch.setattr(migrations, "migrate", partial(migrations.migrate, migrations=later))
    with pytest.raises(errors.CassetteError):
        CassetteWriter(tape, RULES)
    with pytest.raises(errors.CassetteError):
        Cassette(tape)
    monkeypatch.undo()
    assert run("ls", tape).stdout.count("\n") == 10


def test_two_writers_at_once(tape: Path) -> None:
    first = CassetteWriter(tape, RULES)
    flows = tape.with_name("flows.mitm")
    assert run("export", tape, flows).exit_code == 0
    assert one_sentence(run("import", tape, flows)).startswith(f"{tape} is being recorded into by another process")
    first.add(samples.made(11, "GET", "/still/mine", 200))
    first.close()
    assert "/still/mine" in run("ls", tape).stdout


def test_two_writers_of_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "new.cassette"
    first = CassetteWriter(path, RULES)
    with pytest.raises(errors.CassetteBusy):
        CassetteWriter(path, RULES)
    first.add(samples.made(1, "GET", "/", 200))
    first.close()
    assert run("ls", path).stdout.count("\n") == 1


def test_readers_see_a_new_cassette_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new.cassette"
    writer = CassetteWriter(path, RULES)
    cassette = Cassette(path)
    assert cassette.count() == 0
    writer.add(samples.made(1, "GET", "/", 200))
    writer.commit()
    assert cassette.count() == 1
    writer.close()  # somebody still reads: the log stays
    assert cassette.count() == 1
    cassette.close()
    CassetteWriter(path, RULES).close()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_another_program_leaves_the_log_of_a_recorder_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.cassette"
    writer = CassetteWriter(path, RULES)
    cassette = Cassette(path)  # its checks must not release the locks of the writer
    look = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM meta').fetchall(); c.close()"
    )
    subprocess.run([sys.executable, "-c", look, path], check=True)
    writer.add(samples.made(1, "GET", "/", 200))
    writer.commit()
    assert path.with_name(f"{path.name}-wal").exists()
    count = (
        "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM exchanges').fetchone())"
    )
    found = subprocess.run([sys.executable, "-c", count, path], check=True, capture_output=True, text=True)
    assert found.stdout == "1\n"
    cassette.close()
    writer.close()


def killed(path: Path, target: Path) -> Path:
    """What a recorder leaves that was killed: most lies in the log."""
    writer = CassetteWriter(path, RULES)
    for exchange in samples.exchanges():
        writer.add(exchange)
    writer.commit()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{target}{suffix}")
    writer.close()
    return target


def test_after_a_kill(tmp_path: Path) -> None:
    path = killed(tmp_path / "a.cassette", tmp_path / "b.cassette")
    before = sha256(path)
    assert run("ls", path).stdout.count("\n") == 10
    assert sha256(path) == before
    CassetteWriter(path, RULES).close()
    assert sorted(found.name for found in tmp_path.glob("b*")) == [path.name]
    assert run("ls", path).stdout.count("\n") == 10


@pytest.fixture
def _read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: not mode & os.W_OK and real(path, mode, **more))


@pytest.mark.usefixtures("_read_only")
def test_nothing_is_left_where_nothing_can_be_written(tape: Path) -> None:
    cassette = Cassette(tape)
    assert cassette.count() == 10
    assert [path.name for path in tape.parent.iterdir()] == [tape.name]
    cassette.close()


@pytest.mark.usefixtures("_read_only")
def test_a_log_in_a_read_only_place(tmp_path: Path) -> None:
    path = killed(tmp_path / "a.cassette", tmp_path / "b.cassette")
    before = sha256(path)
    assert run("ls", path).stdout.count("\n") == 10
    assert sha256(path) == before
    assert sorted(found.name for found in tmp_path.glob("b*")) == [path.name, f"{path.name}-wal"]


UNPRIVILEGED = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    from peertape.proxy.cli.root import cli, COMMANDS
    from peertape.cassettes import learning, rewriting, writerprocess
    from peertape.cassettes.interchange import formats
    from peertape.cassettes.redaction import redactor, filters
    from peertape.config import facts, secrets, settings
    import rich.console, rich.progress, sqlalchemy.dialects.sqlite
    secrets.secret_positions(); facts.load(); cli.get_command(None, "cassette")
    if os.getuid() == 0:
        os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
    try:
        open(os.path.join(os.path.dirname(sys.argv[-1]), "probe"), "w")
    except OSError:
        sys.exit(cli(sys.argv[1:-1]))
    sys.exit("this place can be written")
"""


@pytest.fixture
def read_only_place(tape: Path) -> Iterator[Path]:
    """A folder with a cassette and a flow file, that anybody may read and nobody but root may write."""
    folder = Path(tempfile.mkdtemp(prefix="peertape-test-"))
    flows = folder / "flows.mitm"
    assert run("export", tape, flows).exit_code == 0
    killed(tape.with_name("a.cassette"), folder / "killed.cassette")
    shutil.copyfile(tape, folder / tape.name)
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def unprivileged(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    program = textwrap.dedent(UNPRIVILEGED).format(nobody=NOBODY)
    return subprocess.run(
        [sys.executable, "-c", program, "cassette", *map(str, arguments), str(folder / "x")],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PEERTAPE_CONFIG": "none.yaml"},
        timeout=60,
        check=False,
    )


def test_a_read_only_place(read_only_place: Path) -> None:
    files = {path: sha256(path) for path in read_only_place.iterdir()}
    for name in ("small.cassette", "killed.cassette"):
        listed = unprivileged(read_only_place, "ls", read_only_place / name)
        assert (listed.returncode, listed.stdout.count("\n")) == (0, 10), listed.stderr
    for name in ("small.cassette", "new.cassette"):
        path = read_only_place / name
        refused = unprivileged(read_only_place, "import", path, read_only_place / "flows.mitm")
        assert (refused.returncode, refused.stdout) == (2, ""), refused.stderr
        assert refused.stderr == f"Error: {path} cannot be written: the file or its folder is read-only.\n"
    assert {path: sha256(path) for path in read_only_place.iterdir()} == files


FULL = """
    import resource, sys
    from peertape.proxy.cli.root import cli
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    sys.exit(cli(sys.argv[1:]))
"""


@pytest.mark.parametrize("limit", [0, 4096, 100_000, 300_000])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_full_disk(tape: Path, limit: int, is_new: bool) -> None:
    picture = os.urandom(1_000_000)
    big = samples.record(tape.with_name("big.cassette"), [samples.made(1, "GET", "/big", 200, picture, {"A": "b"})])
    flows = tape.with_name("flows.mitm")
    assert run("export", big, flows).exit_code == 0
    path = tape.with_name("new.cassette") if is_new else tape
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL).format(limit=limit), "cassette", "import", str(path), str(flows)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    error = next(line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert "disk" in error
    assert "Traceback" not in result.stderr
    if path.exists():
        assert run("ls", path).stdout.count("\n") == (0 if is_new else 10)
    else:
        assert is_new
