"""A PostgreSQL server of our own: Debian's, in a folder that vanishes, at a Unix socket."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.clients import lacking

PROGRAMS = Path("/usr/lib/postgresql")  # where Debian has them, by version
USER = "postgres"  # the server does not run as root
GUARDED = "guarded"  # a user who needs a password
PASSWORD = "correct-horse"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
}


@dataclass(frozen=True)
class Server:
    folder: Path
    programs: Path

    def url(self, cassette: str = "peertape", user: str = USER, database: str = USER) -> str:
        return f"postgresql+psycopg://{user}@/{database}?cassette={cassette}&host={self.folder}"

    def fresh(self) -> str:
        """The URL of a cassette that is not there yet."""
        return self.url(f"t{secrets.token_hex(8)}")

    def sql(self, *statements: str, database: str = USER) -> str:
        """What they say, without alignment."""
        asked = [option for statement in statements for option in ("-c", statement)]
        found = subprocess.run(
            [self.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", USER, *asked, database],
            capture_output=True,
            text=True,
            check=True,
        )
        return found.stdout.strip()

    def control(self, command: str) -> None:
        log = [] if command == "stop" else ["-l", self.folder / "log"]
        _run(self.programs / "pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", *log, command)


@contextmanager
def server() -> Iterator[Server]:
    """Skips where there is none, and fails where all tests shall run."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="peertape-pg-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, USER)
        folder.chmod(0o755)
        made = Server(folder, programs)
        _make(made)
        made.control("start")
        try:
            made.sql(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'")
            yield made
        finally:
            made.control("stop")
    finally:
        shutil.rmtree(folder)


def _make(server: Server) -> None:
    data = server.folder / "data"
    _run(server.programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
        file.write(f"unix_socket_directories = '{server.folder}'\n")
    rules = data / "pg_hba.conf"
    rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")


def _programs() -> Path:
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found or (os.getuid() == 0 and not _is_known(USER)):
        lacking("there is no PostgreSQL server here; `apt-get install postgresql` brings it")
    return found[-1].parent


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _run(*command: object) -> None:
    as_user = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
    told = subprocess.run(
        [*as_user, *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd="/",
    )
    if told.returncode:
        raise RuntimeError(f"{command[0]}: {told.stderr}")
