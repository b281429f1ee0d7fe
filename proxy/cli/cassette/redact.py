"""`peertape cassette redact`."""

from __future__ import annotations

from collections.abc import Mapping

import click
from pydantic import ValidationError

from peertape.cassettes import places, rewriting
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.config import settings as config
from peertape.config.secrets import RedactRule
from peertape.proxy.cli import progress
from peertape.proxy.cli.trouble import Trouble, explained

SWITCHES = ("email", "ip", "dumps")
NAMED = ("header", "query", "json")


@click.command(name="redact")
@click.argument("cassette")
@click.option(
    "--rule",
    "rules",
    metavar="RULE",
    multiple=True,
    help="A rule more: header=NAME, query=NAME, json=PATH, email, ip, or dumps (credentials in logs).",
)
@explained
def command(cassette: str, rules: tuple[str, ...]) -> None:
    """Redact what CASSETTE already holds by today's rules: PeerTube's, those of `redact:` in peertape.yaml, and --rule.

    All of it is written anew, and takes the place of the old file at the end; until then that stays as it is. Ids,
    times and the pseudonyms that clients know stay what they were. A rule that shall count for later recordings, too,
    has to stand in peertape.yaml.

    \b
      peertape cassette redact peertape.cassette
      peertape cassette redact peertape.cassette --rule email --rule header=X-Api-Key --rule 'json=$.data[*].ip'
    """
    wanted = RedactionRules.build([*config.load({}).redact, *map(_rule, rules)])
    place = places.named(cassette)
    with progress.exchanges(place.name) as done:
        count = rewriting.rewrite(place, wanted, done)
    click.echo(f"{place}: {count} exchanges redacted anew", err=True)


def _rule(text: str) -> RedactRule:
    kind, equals, name = text.partition("=")
    given: Mapping[str, object] = {kind: name if equals else True}
    if kind not in (NAMED if equals else SWITCHES):
        raise Trouble(f"{text!r} is no rule; write for example --rule email, or --rule header=X-Api-Key.")
    try:
        return RedactRule.model_validate(given)
    except ValidationError as error:
        reasons = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise Trouble(f"{text!r} is no rule: {reasons}.") from error
