"""`peertape cassette`: looking into cassettes, and other formats in and out."""

from __future__ import annotations

from collections.abc import Mapping

import click

from peertape.proxy.cli.lazy import Entry, LazyGroup

COMMANDS: Mapping[str, Entry] = {
    "audit": Entry(
        "peertape.proxy.cli.cassette.audit",
        "Prove that CASSETTE holds no secret: exit code 1 and a line for each that it does hold.",
    ),
    "export": Entry(
        "peertape.proxy.cli.cassette.exporting",
        "Write all of CASSETTE to FILE: a flow file of mitmproxy (.mitm), a HAR file (.har), or another cassette.",
    ),
    "import": Entry(
        "peertape.proxy.cli.cassette.importing",
        "Bring recordings of other programs into CASSETTE, which is made if need be.",
    ),
    "lint": Entry(
        "peertape.proxy.cli.cassette.lint",
        "List what the CASSETTEs never show: operations of PeerTube's API, and documented errors of each.",
    ),
    "ls": Entry("peertape.proxy.cli.cassette.ls", "List the exchanges of CASSETTE, one line each, in recorded order."),
    "redact": Entry(
        "peertape.proxy.cli.cassette.redact",
        "Redact what CASSETTE already holds by today's rules: PeerTube's, those of `redact:` in peertape.yaml, and "
        "--rule.",
    ),
    "show": Entry(
        "peertape.proxy.cli.cassette.show",
        "Show exchange ID of CASSETTE as HTTP messages, with what is known about it in lines that begin with #.",
    ),
    "stats": Entry(
        "peertape.proxy.cli.cassette.stats",
        "Count what is in CASSETTE: methods, answers, routes, users, and the size of the bodies.",
    ),
}


@click.group(name="cassette", cls=LazyGroup, entries=COMMANDS)
def command() -> None:
    """Look into cassettes, bring recordings in, and take them out."""
