"""The cassettes that a command line names, and what is secret in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from peertape.cassettes import demo, places
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite.place import FilePlace
from peertape.cassettes.store import Cassette
from peertape.config.settings import Settings

DEMO = "demo"
DEMO_PLACE = FilePlace(demo.path())


def open_cassettes(names: Sequence[str], settings: Settings) -> list[Cassette]:
    """The named ones, `demo` being the bundled one; that one alone if none is named."""
    rules = redaction_rules(settings)
    opened: list[Cassette] = []
    try:
        for name in names or (DEMO,):
            place = DEMO_PLACE if name == DEMO and not Path(name).exists() else places.named(name)
            known = {cassette.name for cassette in opened}
            title = DEMO if place == DEMO_PLACE else place.name
            opened.append(Cassette(place, title if title not in known else str(place), rules))
    except BaseException:
        for cassette in opened:
            cassette.close()
        raise
    return opened


def redaction_rules(settings: Settings) -> RedactionRules:
    return RedactionRules.build(settings.redact)
