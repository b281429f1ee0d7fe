"""`peertape cassette audit`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from peertape.cassettes.audit import Auditor, Finding, Needles, search_bodies, search_files, search_tables
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.proxy.cli import progress
from peertape.proxy.cli.cassette.opening import opened
from peertape.proxy.cli.cassette.wording import printable
from peertape.proxy.cli.opencassettes import redaction_rules
from peertape.proxy.cli.trouble import explained

FOUND = 1


@click.command(name="audit")
@click.argument("cassette")
@click.option("--secret", "given", metavar="TEXT", multiple=True, help="A secret that must not be found anywhere.")
@click.option(
    "--secrets",
    "file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="More of them, one a line.",
)
@click.pass_context
@explained
def command(ctx: click.Context, cassette: str, given: tuple[str, ...], file: Path | None) -> None:
    """Prove that CASSETTE holds no secret: exit code 1 and a line for each that it does hold.

    Every place where PeerTube (or a rule of `redact:` in peertape.yaml) puts a secret must hold a pseudonym that this
    cassette issued. What merely looks like a token, in a server's log for example, is a warning. With --secret, these
    texts are looked for in the whole file, its log, and all bodies, decompressed and decoded.

    \b
      peertape cassette audit peertape.cassette
      peertape cassette audit peertape.cassette --secrets my-passwords.txt
    """
    needles = Needles([*given, *_lines(file)])
    rules = redaction_rules(config.load({}))
    found = 0
    with opened(cassette) as audited:
        count = audited.count()
        for finding in _findings(audited, rules, needles, count):
            kind = f"warning: {finding.kind}" if finding.is_warning else str(finding.kind)
            click.echo(f"{finding.place}: {kind}: {printable(finding.shortened)}", err=finding.is_warning)
            found += not finding.is_warning
    if found:
        hint = f"`peertape cassette redact {audited.place}` replaces what its rules cover"
        click.echo(f"{found} found in {count} exchanges; {hint}")
        ctx.exit(FOUND)
    click.echo(f"nothing found in {count} exchanges")


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    return [line for line in file.read_text("utf-8", "surrogateescape").splitlines() if line]


def _findings(cassette: Cassette, rules: RedactionRules, needles: Needles, count: int) -> Iterator[Finding]:
    auditor = Auditor(cassette, rules)
    with progress.exchanges(cassette.name, count) as done:
        for number, exchange in enumerate(cassette.exchanges(), start=1):
            yield from auditor.exposed(exchange)
            if needles:
                yield from search_bodies(exchange, needles)
            done(number, count)
        if needles:
            yield from search_files(cassette.place, needles)
            yield from search_tables(cassette, needles)
