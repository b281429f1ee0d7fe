"""From settings to the parts of a run: cassettes, sessions, tally, and the stages of its engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from peertape.cassettes import demo
from peertape.cassettes.errors import CassetteError
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.bodyfilter import BodyFilter
from peertape.cassettes.redaction.filters import request_body_filter
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.store import Cassette
from peertape.config import limits as rates
from peertape.config import routers, rules
from peertape.config.limits import Limits, chosen
from peertape.config.patterns import pattern
from peertape.config.routers import Routers
from peertape.config.rules import RuleSet
from peertape.config.settings import Settings, SettingsError, message_scale
from peertape.config.state import address as state_address
from peertape.proxy.cli import faultstages
from peertape.proxy.cli.garbage import uncollected
from peertape.proxy.cli.journalfile import journal_file
from peertape.proxy.cli.limits import limits_stage
from peertape.proxy.cli.opencassettes import DEMO_PLACE
from peertape.proxy.cli.outages import Outages
from peertape.proxy.control.reserved import is_control
from peertape.proxy.engine.chain import Engine, Stage
from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.defects import cassette_lost, state_lost
from peertape.proxy.engine.faults.active import Faults
from peertape.proxy.engine.late import Late
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.model import SAFE, Answer, Request
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.outlinks import OutLinks
from peertape.proxy.engine.prepared import Changes, Form, PreparedAnswers, Told
from peertape.proxy.engine.session import Session, Sessions, State
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.sockets.handshakes import concerns_sockets, is_upgrade
from peertape.proxy.engine.stages.dates import DateStage
from peertape.proxy.engine.stages.elsewhere import ElsewhereStage, Permits, permits_known
from peertape.proxy.engine.stages.late import LateStage
from peertape.proxy.engine.stages.miss import MissStage
from peertape.proxy.engine.stages.outside import Outside
from peertape.proxy.engine.stages.playing import playing
from peertape.proxy.engine.stages.preferred import PreferredErrorStage, PreferredLimitStage
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.refresh import RefreshStage
from peertape.proxy.engine.stages.source import Observer, SourceStage
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.tally import Tally
from peertape.proxy.engine.tolerance import IgnoreRule, Tolerance
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.late import LateTwin
from peertape.proxy.engine.twin.surroundings import fitted

if TYPE_CHECKING:
    from peertape.proxy.control.actions import Actions
    from peertape.proxy.engine.ondemand import OnDemand
    from peertape.proxy.engine.sockets.sources import Sources as SocketSources
    from peertape.proxy.lanes.member import Member


@dataclass(frozen=True)
class Parts:
    """What every kind of run is put together from."""

    settings: Settings
    shelf: Shelf
    sessions: Sessions
    tally: Tally
    matcher: Matcher
    explainer: Explainer
    observers: Sequence[Observer]  # beside those that count
    token: str
    rules: RuleSet
    limits: Limits
    faults: Faults
    member: Member | None = None
    outages: Outages = field(default_factory=Outages)
    late: list[Callable[[], object]] = field(default_factory=list)  # make what is made when it is needed first

    def make_ready(self) -> None:
        """What no answer has needed yet is made, so that a later one need not wait for it. Any thread may."""
        with uncollected():
            for make in self.late:
                make()

    @property
    def notes(self) -> list[str]:
        """What to say at the start."""
        rules = self.rules
        if rules.fits or self.settings.on_miss != "emulate":
            return []
        return [f"there are no rules for PeerTube {rules.instance} yet; those of {rules.version} are emulated instead"]

    def source_stage(self) -> SourceStage:
        return SourceStage(self.explainer, [self.tally, *self._of_member, *self.observers])

    def recorded_stage(self, repeat: Repeat | None = None, known: Recollection | None = None) -> RecordedStage:
        links = OutLinks(self.settings.public_url)
        return RecordedStage(self.shelf, self.matcher, links, repeat or Repeat(self.settings.repeat), known)

    def miss_stage(self) -> MissStage:
        return MissStage(self.explainer)

    def replay_stages(
        self, actions: Callable[[], Actions], repeat: Repeat | None = None, known: Recollection | None = None
    ) -> list[Stage]:
        """`known`: clients hold secrets of an instance, and shall find their logins in order when it is back."""
        between: list[Stage] = [RefreshStage(self.shelf, known)] if known is not None else []
        recorded = self.recorded_stage(repeat, known)
        twin = self.twin
        outside = Outside.of(self.routers, self.answers, twin, self.shelf, recorded) if twin else Outside()
        limits = limits_stage(self.limits, self.settings, self.shelf, self.answers)
        if known is None:
            faults = faultstages.stages(self.faults, self.answers, self.rules.version, self._documented)
        else:
            faults = faultstages.stages_behind_gate(self.faults)
        uploads = self._uploads_stage(recorded, alone=known is None)
        inside = playing(recorded, self.explainer, twin, between, outside.behind_routes, [uploads])
        sockets, foreign_sockets = self._sockets_stages(recorded, repeat)
        self.late.extend((self.rules_alone, self._documented))
        before: tuple[Stage, ...] = (
            self.elsewhere_stage(
                [*faults, foreign_sockets, DateStage(), recorded, self.miss_stage()], permits_known(self.shelf)
            ),
            self.source_stage(),
            self.control_stage(actions),
            *faults,
            *outside.before_limits,
            PreferredLimitStage(self._documented),
            limits,
            *outside.before_routes,
            PreferredErrorStage(self._documented),
            sockets,
        )
        return [*before, *inside]

    def control_stage(self, actions: Callable[[], Actions]) -> LateStage:
        def make() -> Stage:
            from peertape.proxy.control.stage import ControlStage

            return ControlStage(actions(), self.token)

        return self._late(is_control, make)

    def engine(self, stages: Sequence[Stage]) -> Engine:
        """Answers by the stages; and where the shared state or a cassette does not answer, by saying so."""
        return Engine(stages, self._lost)

    def _lost(self, request: Request, session: Session, error: StateLostError | CassetteError) -> Answer:
        """The observers are told: a strict run has failed, although no journal of a session knows it."""
        self.outages.tell(error)
        answer = cassette_lost(error) if isinstance(error, CassetteError) else state_lost(error)
        self.source_stage().tell(request, session, answer)
        return answer

    def _late(self, is_for: Callable[[Request], bool], make: Callable[[], Stage]) -> LateStage:
        stage = LateStage(is_for, make)
        self.late.append(stage.made)
        return stage

    def _sockets_stages(self, recorded: RecordedStage, repeat: Repeat | None) -> tuple[LateStage, LateStage]:
        """Those of the instance's sockets, and of other hosts'."""

        def own() -> Stage:
            from peertape.proxy.engine.stages.sockets import SocketsStage

            return SocketsStage(self._socket_sources(recorded, repeat))

        def foreign() -> Stage:
            from peertape.proxy.engine.stages.sockets import ForeignSocketsStage

            return ForeignSocketsStage(replace(self._socket_sources(recorded, repeat), twin=None))

        return self._late(concerns_sockets, own), self._late(is_upgrade, foreign)

    def _socket_sources(self, recorded: RecordedStage, repeat: Repeat | None) -> SocketSources:
        from peertape.config import sockets
        from peertape.proxy.engine.sockets.performance import Pace
        from peertape.proxy.engine.sockets.sources import Sources

        settings, version = self.settings, self.rules.version
        return Sources(
            self.shelf,
            recorded,
            self.answers,
            sockets.load(version),
            self.source_stage().note,
            self.twin,
            OutLinks(settings.public_url),
            Pace(message_scale(settings.message_delay), repeat or Repeat(settings.repeat)),
            (lambda _sid: True) if self.member is None else self.member.hears,
        )

    def elsewhere_stage(self, behind: Sequence[Stage], permits: Permits) -> ElsewhereStage:
        return ElsewhereStage(self.shelf, permits, self.source_stage(), behind)

    def gate(self, repeat: Repeat, known: Recollection) -> Engine:
        """For a run with an instance: the faults that strike before it is asked."""
        bodies = Engine(playing(self.recorded_stage(repeat, known), self.explainer))
        source = self.source_stage()
        return faultstages.gate(self.faults, self.answers, self.rules.version, source, bodies, self._documented)

    @cached_property
    def twin(self) -> LateTwin | None:
        return self.rules_alone if self.settings.on_miss == "emulate" else None

    def _uploads_stage(self, recorded: RecordedStage, *, alone: bool) -> LateStage:
        def make() -> Stage:
            from peertape.proxy.engine.stages.uploads import UploadStage
            from peertape.proxy.engine.uploads.replies import Replies

            twin, replies = self.rules_alone, Replies(self.answers)
            return UploadStage(self.shelf, recorded, twin, replies, emulates=self.twin is not None, alone=alone)

        return self._late(lambda request: request.method not in SAFE, make)

    @cached_property
    def rules_alone(self) -> LateTwin:
        """Uploads go by them, and errors on demand are made by them, where nothing else is emulated as well."""
        return LateTwin(self.shelf, self.rules.version, self.answers, self.settings.public_url)

    @cached_property
    def _documented(self) -> Late[OnDemand]:
        def make() -> OnDemand:
            from peertape.proxy.engine.ondemand import OnDemand

            return OnDemand(self.rules_alone, self.answers, rates.load(self.rules.version))

        return Late(make)

    def actions(
        self, mode: str, upstream: str | None = None, go_offline: Callable[[bool], None] | None = None
    ) -> Actions:
        """What the control API can do in a run that plays cassettes."""
        from peertape.proxy.control.actions import Actions

        return Actions(
            mode,
            self.shelf,
            self.sessions,
            self.tally,
            upstream,
            go_offline,
            of_run=self.limits,
            faults_of_run=self.faults,
            on_timeline=self.on_timeline,
            sources_of_run=None if self.member is None else self.member.sources.total,
        )

    @property
    def introduction(self) -> Sequence[str]:
        """What to say at the start of a replay: the demo is introduced."""
        return demo.NOTES if any(cassette.place == DEMO_PLACE for cassette in self.shelf.cassettes) else ()

    def on_timeline(self, session: Session) -> None:
        """A session's clock was set: what had been recorded by then is read now, not with its next request."""
        if self.twin is not None:
            self.twin().prepare(session)

    @cached_property
    def answers(self) -> Answers:
        return Answers(self.routers, self.rules.version)

    @cached_property
    def routers(self) -> Routers:
        return fitted(routers.load(self.rules.version), self.shelf.cassettes)

    def prepared[B](
        self, form: Form[B], seen: Callable[[Changes], Changes] = lambda changes: changes
    ) -> PreparedAnswers[B] | None:
        """In the form of a lane, which sees changes of the cassettes by `seen`; None where the settings want none."""
        room = self.settings.prepared
        if room is None:
            return None
        return PreparedAnswers(form, self.sessions, seen(self.shelf.changes), self.told_again, room)

    @property
    def told_again(self) -> Told:
        """Who is told of answers that are given again."""
        return Told((self.tally.count, *self._of_member), tuple(self.observers))

    @property
    def _of_member(self) -> Sequence[Observer]:
        return () if self.member is None else (self.member.note,)

    def counts(self, method: str, path: str) -> bool:
        """Whether what arrives of a request counts although its client leaves: so it is with pieces of an upload."""
        return self.rules_alone().pieces(method, path) == "put"

    def digest_filter(self, headers: Headers) -> BodyFilter:
        """For bodies too big to be held; what is that big is a file, whose digest is the same for every cassette."""
        return request_body_filter(headers, self.shelf.cassettes[0].redactor)


@contextmanager
def parts(
    settings: Settings,
    cassettes: Sequence[Cassette],
    *,
    append: bool = False,
    member: Member | None = None,
    shares: bool = True,
) -> Iterator[Parts]:
    """Closes the cassettes in the end. With `append` the journal goes on where another process has begun it.

    `member`: this process, where several answer in one run. Without `shares` sessions are kept by this process, even if
    the settings name another place.
    """
    with ExitStack() as stack:
        for cassette in cassettes:
            stack.callback(cassette.close)
        shelf = Shelf(cassettes)
        strict = frozenset(settings.strict) if settings.strict is not None else None
        rules = rule_set(settings, shelf)
        tally = Tally(strict, foreign_rules=not rules.fits)
        observers: list[Observer] = []
        if settings.journal is not None:
            observers.append(stack.enter_context(journal_file(settings.journal, append=append)))
        tolerance = Tolerance(ignore_rules(settings))
        explainer = Explainer(shelf, tolerance)
        limits = chosen(settings.limits, rules.version)
        faults = faultstages.active(settings, rules.version)
        yield Parts(
            settings,
            shelf,
            Sessions(_state(settings, shelf, rules, member, stack) if shares else None),
            tally,
            Matcher(tolerance),
            explainer,
            observers,
            token(settings),
            rules,
            limits,
            faults,
            member,
        )


def token(settings: Settings) -> str:
    """Of the control API; drawn if none was named."""
    return settings.token or secrets.token_urlsafe(18)


def _state(settings: Settings, shelf: Shelf, rules: RuleSet, member: Member | None, stack: ExitStack) -> State | None:
    """Where sessions are kept that are not kept by this process alone."""
    store = None if member is None else member.store
    if settings.state is None and store is None:
        return None
    from peertape.proxy.engine.state.shared import SharedState
    from peertape.proxy.engine.state.snapshots import Snapshots
    from peertape.proxy.engine.twin.contract import book

    if settings.state is not None:
        from peertape.proxy.stores.opening import opened

        try:
            store = stack.enter_context(closing(opened(state_address(settings.state))))
        except StateLostError as error:
            raise SettingsError(str(error)) from error
    assert store is not None
    return SharedState(store, Snapshots(shelf.cassettes, lambda: book(rules.version)))


def rule_set(settings: Settings, shelf: Shelf) -> RuleSet:
    """The version asked for, else that of the leftmost cassette that tells one."""
    if settings.peertube is None:
        return rules.of_recording(shelf.server_version())
    try:
        return rules.choose(settings.peertube)
    except rules.UnknownVersionError as error:
        raise SettingsError(str(error)) from error


def demand_upstream(settings: Settings) -> str:
    if settings.upstream is None:
        raise SettingsError("Name the instance: --upstream https://peertube.example (or `upstream:` in peertape.yaml).")
    return settings.upstream


def ignore_rules(settings: Settings) -> list[IgnoreRule]:
    return [
        IgnoreRule(pattern(rule.route) if rule.route else None, rule.query, rule.header, rule.json_)
        for rule in settings.match.ignore
    ]
