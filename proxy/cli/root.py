"""`peertape` and its commands."""

from __future__ import annotations

from collections.abc import Mapping

import click

from peertape.proxy.cli.lazy import Entry, LazyGroup

COMMANDS: Mapping[str, Entry] = {
    "replay": Entry("peertape.proxy.cli.replay", "Answer from cassettes, with no instance."),
    "record": Entry("peertape.proxy.cli.record", "Record the traffic between an app and its instance."),
    "proxy": Entry(
        "peertape.proxy.cli.proxy",
        "Work with an instance while it is there, and with its recording while it is away.",
    ),
    "serve": Entry(
        "peertape.proxy.cli.serve",
        "Answer from cassettes many times as fast as `replay`, for load tests and CI.",
    ),
    "pack": Entry(
        "peertape.proxy.cli.pack",
        "Record everything that is needed to use videos, playlists, channels and accounts offline.",
    ),
    "inspect": Entry(
        "peertape.proxy.cli.inspect",
        "Look at the exchanges of CASSETTE in mitmweb: search, filter, compare, copy as curl.",
    ),
    "cassette": Entry("peertape.proxy.cli.cassette", "Look into cassettes, bring recordings in, and take them out."),
    "errors": Entry(
        "peertape.proxy.cli.errors",
        "List the documented errors of PeerTube's routes: all, or those that a PATTERN can touch.",
    ),
    "ca": Entry(
        "peertape.proxy.cli.ca",
        "Tell where the certificate is by which clients trust peertape over https, and how they do.",
    ),
}


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
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
