"""What the server, or the way to it, says: as a sentence for the user."""

from __future__ import annotations

import errno
import shlex

from peertape.cassettes import errors
from peertape.cassettes.postgresql.address import Address

# SQLSTATE: PostgreSQL's documentation, appendix A. What is said while connecting comes without one, as text alone.
READ_ONLY = frozenset({"25006"})  # a standby, or a role that was set to it
DENIED = frozenset({"42501"})
BUSY = frozenset({"55P03"})
FULL = frozenset({"53100"})
DAMAGED = frozenset({"42P01", "42703", "XX001", "XX002"})  # no such table or column; pages
GONE = frozenset({"57P01", "57P02", "57P03"})  # shut down, crashed, starting
_AWAY = ("refused", "could not translate", "failed to resolve", "timeout", "timed out", "no such file", "unreachable")
_LOST = ("closed the connection", "connection is closed", "connection is lost", "connection not open", "terminat")
_LONGEST = 300  # characters of what the server says


def sentence_for(address: Address, cause: BaseException) -> errors.CassetteError:
    state = getattr(cause, "sqlstate", None) or ""
    said = said_by(cause)
    text = said.lower()
    if state in BUSY:
        return errors.CassetteBusy(
            f"{address} is being recorded into by another process; stop that one or name another."
        )
    if state in READ_ONLY:
        return errors.CassetteReadOnly(f"{address} cannot be written: {said}.")
    if state in DENIED:
        return errors.CassetteReadOnly(f"{address}: {said}; the owner of the database can grant it.")
    if state in FULL or (isinstance(cause, OSError) and cause.errno == errno.ENOSPC):
        return errors.DiskFull(f"There is no room left on the disk for {address}.")
    if state in DAMAGED:
        return errors.CassetteCorrupted(f"{address} is damaged: {said}.")
    if state in GONE or state.startswith("08") or any(sign in text for sign in _LOST):
        return errors.ServerAway(f"{address}: the connection to the server was lost: {said}.")
    if "password" in text:
        return errors.ServerRefused(
            f"{address}: the server refuses the login: {said}. A password stands in PGPASSWORD, ~/.pgpass, or the URL."
        )
    if "does not exist" in text and "database" in text:
        name = address.url.database or address.url.username or "NAME"
        return errors.ServerRefused(f"{address}: the server has no database {name}; `createdb {name}` makes it.")
    if not state and any(sign in text for sign in _AWAY):
        return errors.ServerAway(f"{address}: the server cannot be reached: {said}.")
    if not state and "fatal" in text:
        return errors.ServerRefused(f"{address}: the server refuses: {said}.")
    return errors.CassetteError(f"{address}: {said}.")


def missing(address: Address) -> errors.CassetteMissing:
    quoted = shlex.quote(str(address))
    return errors.CassetteMissing(f"There is no cassette {address}; `peertape record --cassette {quoted}` makes one.")


def said_by(cause: BaseException) -> str:
    """Its first line, without a full stop; what follows are hints and the statement."""
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    text = lines[0].strip().rstrip(".:")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
