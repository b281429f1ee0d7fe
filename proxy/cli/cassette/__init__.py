"""`peertape cassette`: looking into cassettes, and other formats in and out."""

from __future__ import annotations

import click

from peertape.proxy.cli.cassette import audit, bring, lint, ls, redact, send, show, stats


@click.group(name="cassette")
def command() -> None:
    """Look into cassettes, bring recordings in, and take them out."""


for module in (ls, show, stats, bring, send, redact, audit, lint):
    command.add_command(module.command)
