"""A cassette written anew, exchange by exchange: in its own place under other rules, or in another place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

from sqlalchemy import insert, select

from peertape.cassettes import schema
from peertape.cassettes.model import Exchange, State
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

COMMITTED = 200  # exchanges per commit
INTERRUPTED = "the recording was interrupted"


def rewrite(place: Place, rules: RedactionRules, progress: Callable[[int, int], None]) -> int:
    """Redacts what is stored by `rules`, and returns the number of exchanges; ids, times and pseudonyms stay.

    The new one takes the place of the old one when all went well; whatever happens before, the old one stays as it is.
    `progress` is told how many of how many exchanges are done.
    """
    place.check()
    temporary = place.beside()
    held = place.open_writer()
    try:
        with place.explained(), ExitStack() as stack:
            stack.callback(place.close_writer, held)  # no log of the old file may be left beside the new one
            stack.enter_context(held.connect()).begin()  # nobody may record into what is about to be replaced
            old = Cassette(place)
            stack.callback(old.close)
            count = _written(old, temporary, rules, progress)
        place.replace_with(temporary)  # nothing of the old text stays in free pages
    finally:  # Ctrl-C too
        temporary.remove()
    return count


def copy(old: Cassette, target: Place, rules: RedactionRules, progress: Callable[[int, int], None]) -> int:
    """Writes all of a cassette to a place where none is, with ids, times, key and pseudonyms; whole or not at all."""
    try:
        return _written(old, target, rules, progress)
    except BaseException:  # Ctrl-C too
        target.remove()
        raise


def _written(old: Cassette, target: Place, rules: RedactionRules, progress: Callable[[int, int], None]) -> int:
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


def _begin_as(old: Cassette, target: Place) -> None:
    """A new cassette with the key, the salt and the pseudonyms of the old one, so that these stay what they are."""
    engine = target.open_writer()
    with target.explained():
        with engine.begin() as connection:
            for table in (schema.meta, schema.pseudonyms):
                if rows := [row._asdict() for row in old.query(select(table))]:
                    connection.execute(insert(table), rows)
        target.close_writer(engine)


def _ended(exchange: Exchange) -> Exchange:
    if exchange.state is not State.OPEN:
        return exchange
    return replace(exchange, state=State.CUT, error=INTERRUPTED)
