"""`peertape errors`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
from rich.console import Console
from rich.text import Text

from peertape.config import limits, rules
from peertape.config.patterns import Pattern, pattern
from peertape.config.settings import SettingsError
from peertape.proxy.cli.cassette.wording import printable
from peertape.proxy.cli.trouble import explained
from peertape.proxy.engine.twin.catalogue import Catalogues, Documented
from peertape.proxy.engine.twin.contract import Contract, book
from peertape.proxy.engine.twin.selection import touched

NONE = 1


@click.command(name="errors")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--peertube", metavar="VERSION", help="Whose errors.  [default: the newest known]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.pass_context
@explained
def command(ctx: click.Context, patterns: tuple[str, ...], peertube: str | None, as_json: bool) -> None:
    """List the documented errors of PeerTube's routes: all, or those that a PATTERN can touch.

    A line has the status, the error's name, and its text; {...} is filled in. An app gets such an error by a request
    header, or by a fault, without changing it:

    \b
      peertape errors 'GET /api/v1/videos/*'
      curl -H 'Prefer: code=403, example=video_requires_password' http://127.0.0.1:8990/api/v1/videos/1
      peertape replay --fault '403/video_requires_password@GET /api/v1/videos/*'
    """
    wanted = [pattern(text) for text in patterns]
    version = _version(peertube)
    catalogues = Catalogues(book(version), limits.load(version))
    routes = [route for route in _routes(catalogues, wanted) if catalogues.of_contract(route).errors]
    if as_json:
        for route in routes:
            for error in catalogues.of_contract(route):
                click.echo(json.dumps(_object(route, error), ensure_ascii=False))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for route in routes:
            console.print(Text(route.name, style="bold"))
            for line in _lines(catalogues, route):
                console.print(line)
    if not routes:
        click.echo("PeerTube has no such route, or it refuses nothing.", err=True)
        ctx.exit(NONE)


def _version(wish: str | None) -> str:
    try:
        return rules.choose(wish).version
    except rules.UnknownVersionError as error:
        raise SettingsError(str(error)) from error


def _routes(catalogues: Catalogues, wanted: list[Pattern]) -> list[Contract]:
    if not wanted:
        return list(catalogues.book.contracts)
    names = {route.name for each in wanted for route in touched(catalogues.book, each)}
    return [route for route in catalogues.book.contracts if route.name in names]


def _lines(catalogues: Catalogues, route: Contract) -> Iterator[Text]:
    errors = catalogues.of_contract(route).errors
    width = max(len(error.example) for error in errors)
    for error in errors:
        style = "yellow" if error.status < 500 else "red"
        yield Text.assemble("  ", (str(error), style), " " * (width - len(error.example) + 2), printable(error.detail))


def _object(route: Contract, error: Documented) -> dict[str, object]:
    return {
        "route": route.name,
        "status": error.status,
        "example": error.example,
        "code": error.code,
        "detail": error.detail or None,
        "parameters": list(error.parameters),
        "prefer": error.wish,
    }
