"""From settings to the parts of a run: shelf, engine, sessions, tally, control."""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from peertape.cassettes import demo
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.bodyfilter import BodyFilter
from peertape.cassettes.redaction.filters import request_body_filter
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.config.patterns import pattern
from peertape.config.settings import Settings, SettingsError
from peertape.proxy.control.actions import Actions
from peertape.proxy.control.stage import ControlStage
from peertape.proxy.engine.chain import Stage
from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.outlinks import OutLinks
from peertape.proxy.engine.session import Sessions
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.miss import MissStage
from peertape.proxy.engine.stages.playing import playing
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.refresh import RefreshStage
from peertape.proxy.engine.stages.source import Observer, SourceStage
from peertape.proxy.engine.tally import Tally
from peertape.proxy.engine.tolerance import IgnoreRule, Tolerance

logger = logging.getLogger(__name__)

DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Parts:
    """What every kind of run is put together from."""

    settings: Settings
    shelf: Shelf
    sessions: Sessions
    tally: Tally
    matcher: Matcher
    explainer: Explainer
    observers: Sequence[Observer]
    token: str

    def source_stage(self) -> SourceStage:
        return SourceStage(self.explainer, self.observers)

    def recorded_stage(self, repeat: Repeat | None = None, known: Recollection | None = None) -> RecordedStage:
        links = OutLinks(self.settings.public_url)
        return RecordedStage(self.shelf, self.matcher, links, repeat or Repeat(self.settings.repeat), known)

    def miss_stage(self) -> MissStage:
        return MissStage(self.explainer)

    def replay_stages(
        self, actions: Actions, repeat: Repeat | None = None, known: Recollection | None = None
    ) -> list[Stage]:
        """`known`: clients hold secrets of an instance, and shall find their logins in order when it is back."""
        between: list[Stage] = [RefreshStage(self.shelf, known)] if known is not None else []
        recorded = self.recorded_stage(repeat, known)
        control = ControlStage(actions, self.token)
        return [self.source_stage(), control, *playing(recorded, self.explainer, *between)]

    def digest_filter(self, headers: Headers) -> BodyFilter:
        """For bodies too big to be held; what is that big is a file, whose digest is the same for every cassette."""
        return request_body_filter(headers, self.shelf.cassettes[0].redactor)


@contextmanager
def parts(settings: Settings, cassettes: Sequence[Cassette]) -> Iterator[Parts]:
    with ExitStack() as stack:
        for cassette in cassettes:
            stack.callback(cassette.close)
        shelf = Shelf(cassettes)
        strict = frozenset(settings.strict) if settings.strict is not None else None
        tally = Tally(strict)
        observers: list[Observer] = [tally]
        if settings.journal is not None:
            observers.append(stack.enter_context(_journal(settings.journal)))
        tolerance = Tolerance(ignore_rules(settings))
        explainer = Explainer(shelf, tolerance)
        token = settings.token or secrets.token_urlsafe(18)
        yield Parts(settings, shelf, Sessions(), tally, Matcher(tolerance), explainer, observers, token)


@contextmanager
def _journal(path: Path) -> Iterator[Observer]:
    """Writes every entry; when the disk is full, says so once and goes on without."""
    try:
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise SettingsError(f"The journal {path} cannot be written: {error.strerror}.") from error
    with file:
        failed = False

        def write(entry: Entry) -> None:
            nonlocal failed
            if failed:
                return
            try:
                file.write((json.dumps(entry.as_json(), ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))
            except OSError as error:
                failed = True
                logger.error("THE JOURNAL STOPPED: %s cannot be written: %s.", path, error.strerror)  # noqa: TRY400

        yield write


def demand_upstream(settings: Settings) -> str:
    if settings.upstream is None:
        raise SettingsError("Name the instance: --upstream https://peertube.example (or `upstream:` in peertape.yaml).")
    return settings.upstream


def ignore_rules(settings: Settings) -> list[IgnoreRule]:
    return [
        IgnoreRule(pattern(rule.route) if rule.route else None, rule.query, rule.header, rule.json_)
        for rule in settings.match.ignore
    ]


def redaction_rules(settings: Settings) -> RedactionRules:
    return RedactionRules.build(settings.redact)


def demand_file(name: str) -> Path:
    """A cassette's path; cassettes on a database server are not there yet."""
    if "://" in name:
        raise SettingsError(f"{name} is a URL; a cassette is a file, for example mine.cassette.")
    return Path(name)


def open_cassettes(names: Sequence[str], settings: Settings) -> list[Cassette]:
    """The named ones, `demo` being the bundled one; that one alone if none is named."""
    rules = redaction_rules(settings)
    opened: list[Cassette] = []
    try:
        for name in names or (DEMO,):
            path = demo.path() if name == DEMO and not Path(name).exists() else demand_file(name)
            known = {cassette.name for cassette in opened}
            title = DEMO if path == demo.path() else path.name.removesuffix(".cassette")
            opened.append(Cassette(path, title if title not in known else os.fspath(path), rules))
    except BaseException:
        for cassette in opened:
            cassette.close()
        raise
    return opened
