"""`peertape cassette export`."""

from __future__ import annotations

from pathlib import Path

import click

from peertape.cassettes import sqlite
from peertape.config import settings as config
from peertape.proxy.cli.assembly import open_cassettes
from peertape.proxy.cli.trouble import Trouble, explained


@click.command(name="export")
@click.argument("cassette")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "wanted", metavar="mitmproxy|har", help="Else told from FILE's name.")
@explained
def command(cassette: str, file: Path, wanted: str | None) -> None:
    """Write all of CASSETTE to FILE: a flow file of mitmproxy (.mitm), or a HAR file (.har).

    Secrets were replaced when they were recorded; what is written holds the same pseudonyms.
    """
    from peertape.cassettes.interchange import formats

    chosen = formats.format_of(file, wanted)
    if sqlite.is_database(file):
        raise Trouble(f"{file} is a cassette or another database, which is not overwritten; name another file.")
    (opened,) = open_cassettes((cassette,), config.load({}))
    try:
        count = formats.write(opened.exchanges(), file, chosen)
    finally:
        opened.close()
    click.echo(f"{file}: {count} exchanges written", err=True)
