"""`peertape cassette import`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from peertape.cassettes import places
from peertape.cassettes.errors import CassetteError
from peertape.cassettes.importing import open_import
from peertape.cassettes.place import Place
from peertape.config import settings as config
from peertape.proxy.cli import options, progress
from peertape.proxy.cli.garbage import uncollected
from peertape.proxy.cli.opencassettes import redaction_rules
from peertape.proxy.cli.trouble import Trouble, explained

if TYPE_CHECKING:
    from peertape.cassettes.interchange.report import ImportReport


@click.command(name="import")
@click.argument("cassette")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="FILE...")
@options.scope
@explained
def command(
    cassette: str,
    files: tuple[Path, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    max_response_body: str | None,
    max_request_body: str | None,
) -> None:
    """Bring recordings of other programs into CASSETTE, which is made if need be.

    Flow files of mitmproxy and HAR files (of a browser, say) are told from their content; `-` is standard input.
    Secrets are replaced on the way in.
    """
    with uncollected():  # the process that writes is a copy of this one
        from peertape.cassettes.interchange import formats
        from peertape.cassettes.interchange.report import ImportReport
        from peertape.proxy.cli.scope import Scope

    limits = {"max_response_body": max_response_body, "max_request_body": max_request_body}
    settings = config.load({"only": only, "skip": skip, **limits})
    scope = Scope.of(settings)
    for path in files:
        if str(path) != "-":
            _demand_file(path)
    place = places.named(cassette)
    is_new = not place.exists()
    report = ImportReport()
    writer = open_import(place, redaction_rules(settings), settings.max_request_body)
    try:
        for path in files:
            size = path.stat().st_size if str(path) != "-" else None
            with progress.octets(path.name, size) as done:
                for exchange in formats.read(path, done, report):
                    if scope.covers(exchange.request.method, exchange.request.target):
                        writer.add(exchange, settings.max_response_body)
        writer.close()
    except BaseException:
        with suppress(CassetteError):  # what happened first is what counts
            writer.close()
        if is_new and not writer.stored:
            place.remove()
        else:
            _tell(place, writer.stored, report)
        raise
    _tell(place, writer.stored, report)


def _tell(place: Place, stored: int, report: ImportReport) -> None:
    click.echo(f"{place}: {stored} exchanges imported{_remarks(report)}", err=True)


def _remarks(report: ImportReport) -> str:
    parts = []
    if incomplete := report.incomplete.total():
        parts.append(f"{incomplete} of them incomplete and never replayed")
    if report.without_request_body:
        parts.append(f"{report.without_request_body} with a request body that the file does not have")
    if skipped := report.skipped.total():
        parts.append(f"{skipped} entries that are no HTTP exchanges left out")
    return f" ({'; '.join(parts)})" if parts else ""


def _demand_file(path: Path) -> None:
    if not path.is_file():
        raise Trouble(f"There is no file {path}.")
