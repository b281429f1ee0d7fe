"""Options that several commands share. None: not given, and `peertape.yaml` and the environment are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]

PLAIN_STRICT = "recorded,derived,emulated,fault,live"  # `--strict` without sources: all but `miss`


def options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def apply(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


upstream = click.option("--upstream", metavar="URL", help="The instance, for example https://peertube.example.")
cassette = click.option(
    "--cassette",
    metavar="FILE|URL",
    help="The cassette to record into; a URL names one on a PostgreSQL server.  [default: peertape.cassette]",
)
public_url = click.option(
    "--public-url",
    metavar="URL",
    help="The instance's own address in its links, if it is not learned from the traffic.",
)
prepared = click.option(
    "--prepared",
    metavar="SIZE|off",
    help="Memory for answers that stand ready, and need not be looked up again.  [default: 128M]",
)
upstream_timeout = click.option(
    "--upstream-timeout",
    metavar="SECONDS",
    type=float,
    help="The instance is away if it does not begin an answer within these.  [default: 5]",
)
pace = click.option(
    "--pace", metavar="N", type=float, help="At most N requests a second to the instance; waits for its limits."
)
verification = options(
    click.option(
        "--upstream-ca",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="An authority, in PEM, that may sign the instance's certificate, beside the usual ones.",
    ),
    click.option("--insecure", is_flag=True, default=None, help="Do not check the instance's TLS certificate."),
)
scope = options(
    click.option("--only", metavar="PATTERN", multiple=True, help="Record only these, for example 'GET /api/v1/**'."),
    click.option("--skip", metavar="PATTERN", multiple=True, help="Do not record these; they pass on untouched."),
    click.option(
        "--max-response-body",
        metavar="SIZE",
        help="Do not store longer response bodies, for example 200M.  [default: off]",
    ),
    click.option(
        "--max-request-body",
        metavar="SIZE|off",
        help="Of longer request bodies keep hash, size and type only: they match all the same.  [default: 10M]",
    ),
)
listen = click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Where the app reaches us; port 0 takes a free one.  [default: 127.0.0.1:8990]",
)
confdir = click.option(
    "--confdir", metavar="DIR", help="The folder of mitmproxy's certificate authority.  [default: ~/.mitmproxy]"
)
certificates = options(
    click.option(
        "--tls-host",
        metavar="HOST",
        multiple=True,
        help="Another name or address by which clients reach us over TLS, for the certificate.",
    ),
    confdir,
)
ways_in = options(
    listen,
    click.option("--forward", metavar="HOST:PORT", help="Also listen as the app's HTTP proxy, with TLS interception."),
    click.option(
        "--allow-host",
        metavar="HOST",
        multiple=True,
        help="With --forward: another host to look into. Also one that is near by and may hold files.",
    ),
    certificates,
    click.option("--web", is_flag=True, help="Show the live traffic in mitmweb, each answer with its source."),
)
reports = options(
    click.option(
        "--journal", metavar="FILE", type=click.Path(dir_okay=False), help="Write every answer there, a JSON line each."
    ),
    click.option(
        "--strict",
        metavar="SOURCES",
        is_flag=False,
        flag_value=PLAIN_STRICT,
        help="Exit with 1 if an answer came from elsewhere, for example --strict=recorded,derived; plain: on a miss.",
    ),
)
state = click.option(
    "--state",
    metavar="redis://HOST:PORT/DB",
    help="A Redis where workers and machines keep their sessions together.  [default: kept by this program]",
)
faults = options(
    click.option(
        "--latency",
        metavar="none|recorded|200ms|lognormal(120ms,0.6)",
        help="How long answers take: as recorded, always so long, or by chance with that median.  [default: none]",
    ),
    click.option(
        "--fault",
        metavar="NAME[*TIMES][=PROBABILITY][@PATTERN]",
        multiple=True,
        help="What goes wrong: a status, a documented error such as 403/video_requires_password, expired-token, reset, "
        "cut-body or stall. '503*2@GET /api/v1/videos' fails twice, then heals.",
    ),
    click.option(
        "--seed",
        metavar="N",
        type=int,
        help="Repeats what chance does with --latency and --fault.  [default: drawn, and printed]",
    ),
)
playing = options(
    click.option(
        "--limits",
        metavar="peertube|off|FILE",
        help="PeerTube's rate limits, none, or a file's; 'peertube*10': ten times as much.  [default: peertube]",
    ),
    click.option(
        "--peertube", metavar="VERSION", help="Whose rules are emulated.  [default: as recorded, else the newest known]"
    ),
    click.option(
        "--on-miss",
        type=click.Choice(["emulate", "error"]),
        help="What an unrecorded request gets.  [default: emulate]",
    ),
    click.option(
        "--message-delay",
        metavar="recorded|none|FACTOR",
        help="When a socket's recorded messages come: as long after what they followed as they did, at once, or that "
        "many times as long.  [default: recorded]",
    ),
    click.option(
        "--repeat",
        type=click.Choice(["sequence", "last", "first"]),
        help="What repeated requests get: the recorded answers in order, or one of them.  [default: sequence]",
    ),
)
