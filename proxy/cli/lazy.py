"""A group whose commands are imported when they run, and listed without that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from peertape.proxy.cli import interrupts
from peertape.proxy.cli.garbage import uncollected


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is (its module has it as `command`), and the first sentence of its help."""

    module: str
    summary: str


class LazyGroup(click.Group):
    """mitmproxy and SQLAlchemy take a while to load; whoever asks for help, or for another command, needs neither."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **others: Any) -> None:
        super().__init__(*args, **others)
        self.entries = entries

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(interrupts.STOPPED)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.entries:
            return None
        with uncollected(), interrupts.postponed():
            command = import_module(self.entries[cmd_name].module).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """From the entries, each with its whole sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.entries.items()])
