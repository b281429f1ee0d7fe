"""`peertape cassette export`."""

from __future__ import annotations

from pathlib import Path

import click

from peertape.cassettes import places, rewriting
from peertape.cassettes.errors import CassetteMissing
from peertape.cassettes.place import Place
from peertape.cassettes.sqlite.checking import is_database
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.proxy.cli import progress
from peertape.proxy.cli.opencassettes import open_cassettes, redaction_rules
from peertape.proxy.cli.trouble import Trouble, explained

CASSETTE = "cassette"  # a format beside those of `interchange`


@click.command(name="export")
@click.argument("cassette")
@click.argument("file")
@click.option("--format", "wanted", metavar="mitmproxy|har|cassette", help="Else told from FILE's name.")
@explained
def command(cassette: str, file: str, wanted: str | None) -> None:
    """Write all of CASSETTE to FILE: a flow file of mitmproxy (.mitm), a HAR file (.har), or another cassette.

    Secrets were replaced when they were recorded; what is written holds the same pseudonyms. Another cassette, a file
    (.cassette) or the URL of one on a server, takes the key along as well, and replays as this one does.

    \b
      peertape cassette export peertape.cassette flows.mitm
      peertape cassette export 'postgresql+psycopg://ci@db.example/tapes?cassette=web-app' web-app.cassette
    """
    settings = config.load({})
    (opened,) = open_cassettes((cassette,), settings)
    try:
        if _names_cassette(file) if wanted is None else wanted == CASSETTE:
            place = places.named(file)
            _demand_room(place)
            with progress.exchanges(opened.name) as done:
                count = rewriting.copy(opened, place, redaction_rules(settings), done)
            file = str(place)
        else:
            count = _written(opened, Path(file), wanted)
    finally:
        opened.close()
    click.echo(f"{file}: {count} exchanges written", err=True)


def _written(cassette: Cassette, file: Path, wanted: str | None) -> int:
    from peertape.cassettes.interchange import formats

    chosen = formats.format_of(file, wanted)
    if is_database(file):
        raise Trouble(f"{file} is a cassette or another database, which is not overwritten; name another file.")
    return formats.write(cassette.exchanges(), file, chosen)


def _names_cassette(name: str) -> bool:
    return "://" in name or name.endswith(".cassette")


def _demand_room(place: Place) -> None:
    try:
        place.check()
    except CassetteMissing:
        return
    raise Trouble(f"{place} is there already, and is not overwritten; name another.")
