"""`peertape serve`."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

from peertape.config import settings as config
from peertape.proxy.cli import assembly, options
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.cli.running import demand, run
from peertape.proxy.cli.trouble import explained
from peertape.proxy.cli.withprogram import WithProgram
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.endpoint import Listening
from peertape.proxy.lanes.fast import FastLane
from peertape.proxy.lanes.prepared import Messages
from peertape.proxy.lanes.ttl import TtlCached


@click.command(name="serve", cls=WithProgram)
@click.argument("cassettes", nargs=-1, metavar="[CASSETTE]... [-- COMMAND...]")
@options.listen
@click.option(
    "--tls", is_flag=True, default=None, help="Speak https instead of http; `peertape ca` tells who trusts it."
)
@click.option(
    "--workers",
    metavar="N|auto",
    help="Processes that answer together, as one server; auto: one for each core.  [default: 1]",
)
@options.certificates
@options.playing
@options.faults
@options.public_url
@options.prepared
@options.reports
@options.state
@click.pass_context
@explained
def command(ctx: click.Context, /, cassettes: tuple[str, ...], **given: Any) -> None:
    """Answer from cassettes many times as fast as `replay`, for load tests and CI.

    The answers are those of `replay`, from another server: header names in lower case, no reason phrases, and no
    forward proxy, mitmweb or reset connections (the fault `reset` closes the connection after the head of an answer).

    \b
      peertape serve
      peertape serve mine.cassette --limits off -- npm test
      peertape serve mine.cassette --workers auto
    """
    settings = config.load({**given, "cassettes": cassettes})
    demand(settings)
    program = WithProgram.program(ctx)
    listening = Listening(config.address(settings.listen), settings.tls, settings.tls_host, settings.confdir)
    if settings.workers > 1:
        from peertape.proxy.cli import workers  # what one process alone does not need

        ctx.exit(workers.run_together(settings, listening, _application, program))
    with assembly.parts(settings, open_cassettes(settings.cassettes, settings)) as parts:
        code = run(FastLane(listening, _application(parts)), parts, parts.introduction, program)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Ends the process without Python's own ending, in which threads of granian's may still ask for its lock.

    Python before 3.14 ends such threads so that the whole process aborts: 2 of 300 runs on a busy machine.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _application(parts: Parts) -> Application:
    engine = parts.engine(parts.replay_stages(lambda: parts.actions("serve")))
    return Application(engine, parts.sessions, parts.digest_filter, parts.counts, parts.prepared(Messages(), TtlCached))
