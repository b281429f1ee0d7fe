"""Writes docs/cli.md from the commands themselves: `uv run python docs/build.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from peertape.proxy.cli.root import cli

PAGE = Path(__file__).with_name("cli.md")
INTRODUCTION = """# Commands

Made by `uv run python docs/build.py` from the commands themselves.

Standard output carries one line, `listening on http://127.0.0.1:PORT`, as soon as requests are answered; everything
else goes to standard error. Exit codes: 0 fine, 1 a run that broke its strictness or lost a worker (or the
command's own), 2 wrong usage or configuration, 130 stopped before it was ready or done.
"""


def page() -> str:
    parts = [INTRODUCTION]
    for path, command, context in commands(cli, context_of(cli, "peertape")):
        parts.append(
            f"\n{'#' * min(len(path) + 1, 4)} `{' '.join(path)}`\n\n```text\n{command.get_help(context)}\n```\n"
        )
    return "".join(parts)


def commands(
    command: click.Command, context: click.Context, path: tuple[str, ...] = ("peertape",)
) -> Iterator[tuple[tuple[str, ...], click.Command, click.Context]]:
    yield path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, context_of(below, name, context), (*path, name))


def context_of(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    return command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=100)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
