"""`peertape cassette`: looking into cassettes, and other formats in and out."""

from __future__ import annotations

import click

from peertape.proxy.cli.cassette import bring, send


@click.group(name="cassette")
def command() -> None:
    """Look into cassettes, bring recordings in, and take them out."""


command.add_command(bring.command)
command.add_command(send.command)
