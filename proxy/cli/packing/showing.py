"""How far it is: a progress bar for people, a line an item in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from peertape.proxy.cli.cassette.wording import printable
from peertape.proxy.cli.cassette.wording import size as octets_text
from peertape.proxy.engine.inventory.needs import Need

_WIDTH = 40  # characters of what is under way


class Showing:
    def __init__(self, bar: Progress, *, is_terminal: bool) -> None:
        self._bar = bar
        self._is_terminal = is_terminal
        self._total = 0
        self._title = ""
        self._task = bar.add_task("", total=None)

    def begins(self, title: str) -> None:
        self._title = printable(title)
        if not self._is_terminal:
            click.echo(self._title, err=True)

    def expect(self, octets: int) -> None:
        self._total += octets
        self._bar.update(self._task, total=self._total or None)

    def octets(self, count: int) -> None:
        self._bar.update(self._task, advance=count)

    def asks(self, need: Need) -> None:
        about = need.media.rendition if need.media else need.what
        self._say(f"{self._title[:_WIDTH]} · {about}")

    def waits(self, seconds: float) -> None:
        self._say(f"waits {seconds:.0f} s for the instance's rate limit")

    def stored(self, need: Need, status: int, size: int) -> None:
        if not self._is_terminal:
            click.echo(f"{status} {_shown(need)} ({octets_text(size)})", err=True)

    def failed(self, need: Need, reason: str) -> None:
        if not self._is_terminal:
            click.echo(printable(f"failed {_shown(need)}: {reason}"), err=True)

    def _say(self, text: str) -> None:
        self._bar.update(self._task, description=escape(text))


def _shown(need: Need) -> str:
    """Without the query of what may carry a token."""
    target = (
        need.place.path if need.plain is not None else need.place.target.partition("videoFileToken=")[0].rstrip("?&")
    )
    return printable(f"{need.method} {need.place.origin or ''}{target}")


@contextmanager
def showing() -> Iterator[Showing]:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield Showing(bar, is_terminal=console.is_terminal)
