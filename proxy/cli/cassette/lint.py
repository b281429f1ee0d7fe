"""`peertape cassette lint`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from peertape.config import limits, rules
from peertape.config import settings as config
from peertape.config.patterns import Pattern, pattern
from peertape.config.settings import SettingsError
from peertape.proxy.cli.cassette import playable as playing
from peertape.proxy.cli.cassette.wording import printable
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.cli.trouble import explained
from peertape.proxy.engine.coverage import Coverage, Operation, Share, coverage
from peertape.proxy.engine.inventory.renditions import ChoiceError
from peertape.proxy.engine.inventory.renditions import choice as renditions_choice
from peertape.proxy.engine.twin.catalogue import Catalogues, Documented
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.selection import touches

BELOW = 1
NEVER = "never shown"


@click.command(name="lint")
@click.argument("cassettes", nargs=-1, required=True, metavar="CASSETTE...")
@click.option("--only", "patterns", metavar="PATTERN", multiple=True, help="Only these, as '/api/v1/videos/**'.")
@click.option("--operations", "operations", is_flag=True, help="Only the operations that are never shown.")
@click.option("--errors", "errors", is_flag=True, help="Only the documented errors that are never shown.")
@click.option(
    "--min", "least", metavar="PERCENT", type=click.FloatRange(0, 100), help="Exit with 1 if less is shown, of either."
)
@click.option("--playable", is_flag=True, help="Instead: which videos can be played, and which segments are missing.")
@click.option(
    "--renditions",
    metavar="NAMES",
    default="any",
    show_default=True,
    help="With --playable: which have to be complete: any, all, best, worst, audio, or 720p,480p; hls or web only.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
@explained
def command(
    ctx: click.Context,
    cassettes: tuple[str, ...],
    patterns: tuple[str, ...],
    operations: bool,
    errors: bool,
    least: float | None,
    playable: bool,
    renditions: str,
    as_json: bool,
) -> None:
    """List what the CASSETTEs never show: operations of PeerTube's API, and documented errors of each.

    An operation is shown by an answer that is no refusal. `peertape errors` explains the errors. In a pipe every
    finding is a line of its own.

    \b
      peertape cassette lint mine.cassette --operations
      peertape cassette lint mine.cassette --errors --only 'GET /api/v1/videos/**'
      peertape cassette lint mine.cassette --operations --min 80

    With --playable: whether each recorded video can be played without the instance, and what is missing. Exits with 1
    if one cannot.

    \b
      peertape cassette lint mine.cassette --playable
      peertape cassette lint mine.cassette --playable --renditions all --only '/api/v1/videos/UUID'
    """
    if playable:
        ctx.exit(_playable(cassettes, [pattern(text) for text in patterns], renditions, as_json=as_json))
    with_operations, with_errors = operations or not errors, errors or not operations
    found = _coverage(cassettes, [pattern(text) for text in patterns])
    if as_json:
        click.echo(json.dumps(_object(found), ensure_ascii=False))
    elif (console := Console(highlight=False)).is_terminal:
        _print(console, found, with_operations, with_errors)
        click.echo(_summary(found, with_operations, with_errors))
    else:
        for line in _plain(found, with_operations, with_errors):
            click.echo(printable(line))
        click.echo(_summary(found, with_operations, with_errors))
    shares = [found.of_operations] * with_operations + [found.of_errors] * with_errors
    if least is not None and any(share.percent < least for share in shares):
        ctx.exit(BELOW)


def _playable(names: tuple[str, ...], patterns: list[Pattern], renditions: str, *, as_json: bool) -> int:
    try:
        choice = renditions_choice(renditions, several=True)
    except ChoiceError as error:
        raise SettingsError(str(error)) from error
    made = playing.reports(names, patterns, choice)
    console = Console(highlight=False)
    if as_json:
        click.echo(json.dumps(playing.as_object(made), ensure_ascii=False))
    elif console.is_terminal:
        playing.show(console, made)
        click.echo(playing.summary(made))
    else:
        for line in playing.plain(made):
            click.echo(printable(line))
        click.echo(playing.summary(made))
    return 0 if all(one.is_playable for one in made) else BELOW


def _coverage(names: tuple[str, ...], patterns: list[Pattern]) -> Coverage:
    settings = config.load({})
    with ExitStack() as stack:
        cassettes = open_cassettes(names, settings)
        for cassette in cassettes:
            stack.callback(cassette.close)
        recorded = (cassette.meta().get("server_version") for cassette in cassettes)
        try:
            version = rules.choose(settings.peertube or next(filter(None, recorded), None)).version
        except rules.UnknownVersionError as error:
            raise SettingsError(str(error)) from error
        catalogues = Catalogues(book(version), limits.load(version))
        return coverage(cassettes, catalogues, version, lambda name: _is_wanted(name, patterns))


def _is_wanted(name: str, patterns: list[Pattern]) -> bool:
    return not patterns or any(touches(each.method, each.glob, name) for each in patterns)


def _missing(operation: Operation, with_operations: bool, with_errors: bool) -> tuple[bool, list[Documented]]:
    """Whether the operation itself is a finding, and which of its errors are."""
    return with_operations and not operation.is_shown, operation.missing if with_errors else []


def _plain(found: Coverage, with_operations: bool, with_errors: bool) -> Iterator[str]:
    for operation in found.operations:
        is_missing, errors = _missing(operation, with_operations, with_errors)
        if is_missing:
            yield f"{operation.name}: {NEVER}"
        for error in errors:
            yield f"{operation.name}: {error}"


def _print(console: Console, found: Coverage, with_operations: bool, with_errors: bool) -> None:
    def group(operation: Operation) -> str:
        return operation.group

    for name, operations in groupby(sorted(found.operations, key=group), group):
        findings = [(one, *_missing(one, with_operations, with_errors)) for one in operations]
        findings = [finding for finding in findings if finding[1] or finding[2]]
        if findings:
            console.print(Text(name, style="bold"))
        for operation, is_missing, errors in findings:
            mark = (f"  {NEVER}", "red") if is_missing else ""
            console.print(Text.assemble("  ", operation.name, mark))
            if errors:
                console.print(Padding(_by_status(errors), (0, 0, 0, 4)))


def _by_status(errors: Sequence[Documented]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    by_status: dict[int, list[str]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error.example)
    for status, examples in sorted(by_status.items()):
        table.add_row(Text(str(status), style="yellow"), Text(", ".join(examples)))
    return table


def _summary(found: Coverage, with_operations: bool, with_errors: bool) -> str:
    parts = []
    if with_operations:
        parts.append(f"{_share(found.of_operations)} operations")
    if with_errors:
        parts.append(f"{_share(found.of_errors)} documented errors")
    others = f"; {found.others} recorded refusals that no rule knows" if found.others else ""
    return f"shown: {', '.join(parts)}{others}"


def _share(share: Share) -> str:
    return f"{share} ({share.percent:.1f} %)"


def _object(found: Coverage) -> dict[str, object]:
    def numbers(share: Share) -> dict[str, object]:
        return {"shown": share.shown, "known": share.known, "percent": round(share.percent, 2)}

    return {
        "operations": numbers(found.of_operations),
        "errors": numbers(found.of_errors),
        "all": [
            {
                "operation": operation.name,
                "successes": operation.successes,
                "errors": [
                    {"status": error.status, "example": error.example, "detail": error.detail or None, "shown": count}
                    for error, count in operation.errors
                ],
                "unknown": [
                    {"cassette": other.cassette, "exchange": other.exchange, "status": other.status, "said": other.said}
                    for other in operation.others
                ],
            }
            for operation in found.operations
        ],
    }
