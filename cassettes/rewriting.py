"""A cassette written anew, exchange by exchange, under other rules: nothing of the old text stays in free pages."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert, select

from peertape.cassettes import database, schema
from peertape.cassettes.model import Exchange, State
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

COMMITTED = 200  # exchanges per commit
INTERRUPTED = "the recording was interrupted"


def rewrite(path: Path, rules: RedactionRules, progress: Callable[[int, int], None]) -> int:
    """Redacts what is stored by `rules`, and returns the number of exchanges; ids, times and pseudonyms stay.

    The new file takes the place of the old one when all went well; whatever happens before, the old one stays as it is.
    `progress` is told how many of how many exchanges are done.
    """
    database.check(path)
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    held = database.open_writer(target)
    try:
        with database.explained(target), ExitStack() as stack:
            stack.callback(database.close_writer, held)  # no log of the old file may be left beside the new one
            stack.enter_context(held.connect()).begin()  # nobody may record into what is about to be replaced
            old = Cassette(target)
            stack.callback(old.close)
            count = _copy(old, temporary, rules, progress)
        with database.explained(target):
            shutil.copymode(target, temporary)
            temporary.replace(target)
    finally:  # Ctrl-C too
        database.remove(temporary)
    return count


def _copy(old: Cassette, target: Path, rules: RedactionRules, progress: Callable[[int, int], None]) -> int:
    _begin_as(old, target)
    writer = CassetteWriter(target, rules)
    total = old.count()
    done = 0
    try:
        for done, exchange in enumerate(old.exchanges(), start=1):
            writer.add(_ended(exchange), number=exchange.id)
            progress(done, total)
            if done % COMMITTED == 0:
                writer.commit()
    except BaseException:
        with suppress(Exception):  # the file goes away anyway; what happened first is what counts
            writer.close()
        raise
    writer.close()
    return done


def _begin_as(old: Cassette, target: Path) -> None:
    """A new cassette with the key, the salt and the pseudonyms of the old one, so that these stay what they are."""
    engine = database.open_writer(target)
    with database.explained(target):
        with engine.begin() as connection:
            for table in (schema.meta, schema.pseudonyms):
                if rows := [row._asdict() for row in old.query(select(table))]:
                    connection.execute(insert(table), rows)
        database.close_writer(engine)


def _ended(exchange: Exchange) -> Exchange:
    if exchange.state is not State.OPEN:
        return exchange
    return replace(exchange, state=State.CUT, error=INTERRUPTED)
