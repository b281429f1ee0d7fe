"""`peertape cassette ls`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from peertape.cassettes import listing
from peertape.cassettes.listing import Line
from peertape.cassettes.model import State
from peertape.config.patterns import pattern
from peertape.proxy.cli.cassette.opening import opened
from peertape.proxy.cli.cassette.wording import moment, printable
from peertape.proxy.cli.trouble import explained
from peertape.proxy.engine.hosts import hosts_of_instance

NOTHING = "-"
COLUMNS = ("id", "time", "method", "status", "state", "identity", "size", "type", "target")
NUMBERS = frozenset({"id", "status", "size"})

Wanted = Callable[[Line], bool]
Own = Collection[str | None]  # the Hosts of the instance


@click.command(name="ls")
@click.argument("cassette")
@click.option("--method", metavar="METHOD", help="Only requests of this method, for example POST.")
@click.option("--path", "paths", metavar="PATTERN", multiple=True, help="Only these, for example '/api/v1/videos/**'.")
@click.option("--identity", metavar="NAME", help="Only this user's; or `anonymous`, or `token`: of a user unknown.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@explained
def command(cassette: str, method: str | None, paths: tuple[str, ...], identity: str | None, as_json: bool) -> None:
    """List the exchanges of CASSETTE, one line each, in recorded order.

    The columns: id, time, method, status, what became of the exchange if it is not complete, who asked, the size of the
    response body in octets, its media type, and the target; as a URL if it was asked of another host than the
    instance's. `-` stands for nothing.

    \b
      peertape cassette ls peertape.cassette --method POST
      peertape cassette ls demo --path '/api/v1/videos/**' --identity alice
      peertape cassette ls demo --json | jq -r 'select(.status >= 400) | .target'
    """
    wanted = _filter(method, paths, identity)
    with opened(cassette) as found:
        lines = filter(wanted, listing.lines(found))
        own = hosts_of_instance(found)
        if as_json:
            for line in lines:
                click.echo(json.dumps(_object(line), ensure_ascii=False))
        elif (console := Console()).is_terminal:
            console.print(_table(lines, own))
        else:
            for text in _plain(lines, own):
                click.echo(text)


def _filter(method: str | None, paths: Sequence[str], identity: str | None) -> Wanted:
    patterns = [pattern(text) for text in paths]

    def wanted(line: Line) -> bool:
        path = line.target.partition("?")[0]
        return (
            (method is None or line.method.upper() == method.upper())
            and (not patterns or any(each.matches(line.method, path) for each in patterns))
            and (identity is None or line.identity.lower() == identity.lower())
        )

    return wanted


def _cells(line: Line, own: Own) -> tuple[str, ...]:
    target = line.target if line.authority in own else f"{line.scheme}://{line.authority}{line.target}"
    return (
        str(line.id),
        moment(line.started),
        printable(line.method),
        NOTHING if line.status is None else str(line.status),
        NOTHING if line.state is State.COMPLETE else str(line.state),
        line.identity,
        str(line.size),
        printable(line.content_type) or NOTHING,
        printable(target),
    )


def _object(line: Line) -> dict[str, object]:
    return {
        "id": line.id,
        "time": moment(line.started),
        "method": line.method,
        "origin": f"{line.scheme}://{line.authority}",
        "target": line.target,
        "status": line.status,
        "state": str(line.state),
        "identity": line.identity,
        "credential": line.credential,
        "size": line.size,
        "type": line.content_type or None,
    }


def _table(lines: Iterable[Line], own: Own) -> Table:
    table = Table(*COLUMNS[:-1], box=None, pad_edge=False, header_style="bold")
    table.add_column(COLUMNS[-1], overflow="fold", ratio=1)
    for column in table.columns[:-1]:
        column.no_wrap = True
        column.justify = "right" if column.header in NUMBERS else "left"
    for line in lines:
        broken = line.state is not State.COMPLETE or (line.status or 500) >= 400
        table.add_row(*map(Text, _cells(line, own)), style="red" if broken else None)
    return table


def _plain(lines: Iterable[Line], own: Own) -> Iterator[str]:
    """In columns, of which nothing is cut: for pipes."""
    rows = [_cells(line, own) for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        aligned = (
            cell.rjust(width) if name in NUMBERS else cell.ljust(width)
            for name, cell, width in zip(COLUMNS, row, widths, strict=True)
        )
        yield "  ".join(aligned).rstrip()
