"""`peertape` and its commands."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "replay": "peertape.proxy.cli.replay",
    "record": "peertape.proxy.cli.record",
    "proxy": "peertape.proxy.cli.live",
    "serve": "peertape.proxy.cli.serve",
    "pack": "peertape.proxy.cli.pack",
    "inspect": "peertape.proxy.cli.inspect",
    "cassette": "peertape.proxy.cli.cassette",
    "errors": "peertape.proxy.cli.errors",
    "ca": "peertape.proxy.cli.ca",
}


class _Commands(click.Group):
    """Imports a command when it is asked for: mitmproxy takes a while to load, and `cassette ls` does not need it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="peertape")
def cli() -> None:
    """Stand between a PeerTube app and a PeerTube instance: record the traffic, and play it back without the instance.

    \b
    Try it now, with no instance at all:
      peertape replay                                  the bundled demo answers at http://127.0.0.1:8990
    Work with your own:
      peertape record --upstream https://peertube.example
      peertape replay peertape.cassette
      peertape proxy --upstream https://peertube.example

    Every option can also stand in ./peertape.yaml, or in the environment as PEERTAPE_OPTION.
    """
