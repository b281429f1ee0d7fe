"""A progress bar on standard error for work that takes a while; silent where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def exchanges(title: str, total: int | None = None) -> Iterator[Callable[[int, int], None]]:
    """Gives a function that takes the number of exchanges that are done, and of all."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done, of: bar.update(task, completed=done, total=of)


@contextmanager
def octets(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Gives a function that takes the number of octets that are done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield (lambda _done: None) if bar.disable else lambda done: bar.update(task, completed=done)
