"""What the control API can tell and do; each gets the session that the request named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, NaiveDatetime, ValidationError

from peertape.config import limits as rates
from peertape.config.faults import FaultError
from peertape.config.limits import Limits, LimitsError
from peertape.proxy.control import faults, limits
from peertape.proxy.engine.faults.active import Faults
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.tally import Tally

EARLIEST, LATEST = 0.0, datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class ControlError(Exception):
    """A wish that is refused; its text is a sentence for the user."""

    def __init__(self, status: int, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockMessage(_Message):
    """`at` sets the clock and the timeline, `advance` moves it by seconds, `freeze` stops it or lets it go."""

    at: AwareDatetime | NaiveDatetime | None = None
    advance: float | None = None
    freeze: bool | None = None


class UpstreamMessage(_Message):
    offline: bool


class ResetMessage(_Message):
    pass


class Actions:
    """`go_offline` switches the instance off and on, where there is one; `of_run`: the limits of the run.

    `on_timeline` is told when a session's clock was set to a moment of the recording. `sources_of_run`: how many
    answers each source gave, where more than this process answers in a run.
    """

    def __init__(
        self,
        mode: str,
        shelf: Shelf,
        sessions: Sessions,
        tally: Tally,
        upstream: str | None = None,
        go_offline: Callable[[bool], None] | None = None,
        of_run: Limits | None = None,
        faults_of_run: Faults | None = None,
        on_timeline: Callable[[Session], None] | None = None,
        sources_of_run: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        self._mode = mode
        self._shelf = shelf
        self._sessions = sessions
        self._tally = tally
        self._upstream = upstream
        self._go_offline = go_offline
        self._offline = False
        self._limits = of_run
        self._faults = faults_of_run
        self._on_timeline = on_timeline
        self._sources_of_run = sources_of_run or (lambda: tally.sources)

    def health(self, session: Session, _message: Any) -> dict[str, Any]:
        return {
            "status": "ok",
            "version": version("peertape"),
            "mode": self._mode,
            "process": os.getpid(),
            "upstream": self._upstream,
            "offline": self._offline,
            "session": session.name,
            "clock": self._time(session),
            "cassettes": [
                {"name": cassette.name, "exchanges": cassette.count(), "public_origin": cassette.public_origin}
                for cassette in self._shelf.cassettes
            ],
        }

    def summary(self, session: Session, _message: Any) -> dict[str, Any]:
        journal, run = session.journal, self._sources_of_run()
        stored = sum(cassette.count() for cassette in self._shelf.cassettes)
        return {
            "session": session.name,
            "answers": sum(journal.sources.values()),
            "sources": dict(journal.sources),
            "missed": [f"{entry.method} {entry.target}" for entry in journal.unmatched()],
            "used": journal.used,
            "unused": stored - journal.used,
            "run": {
                "answers": sum(run.values()),
                "sources": dict(run),
                "recorded": self._tally.recorded,
                "sessions": list(self._sessions.names()),
            },
        }

    def journal(self, session: Session, _message: Any) -> dict[str, Any]:
        return {"session": session.name, "entries": [entry.as_json() for entry in session.journal.entries]}

    def unmatched(self, session: Session, _message: Any) -> dict[str, Any]:
        return {"session": session.name, "entries": [entry.as_json() for entry in session.journal.unmatched()]}

    def reset(self, session: Session, message: Any) -> dict[str, Any]:
        _read(ResetMessage, message)
        session.reset()
        return {"session": session.name}

    def clock(self, session: Session, message: Any) -> dict[str, Any]:
        wish = _read(ClockMessage, message)
        if wish.at is None and wish.advance is None and wish.freeze is None:
            raise ControlError(400, "Say `at` (an ISO 8601 time), `advance` (seconds) or `freeze` (true or false).")
        at = None if wish.at is None else (wish.at if wish.at.tzinfo else wish.at.replace(tzinfo=UTC)).timestamp()
        if not EARLIEST <= (session.clock.now() if at is None else at) + (wish.advance or 0.0) <= LATEST:
            raise ControlError(400, "The clock goes from the year 1970 to the year 9999.")
        if wish.freeze is not None:
            session.clock.freeze(wish.freeze)
        if at is not None:
            session.clock.set(at)
            if self._on_timeline is not None:
                self._on_timeline(session)
        if wish.advance is not None:
            session.clock.advance(wish.advance)
        return {"session": session.name, **self._time(session)}

    def limits(self, session: Session, _message: Any) -> dict[str, Any]:
        return limits.told(session, self._limits or rates.off())

    def change_limits(self, session: Session, message: Any) -> dict[str, Any]:
        if self._limits is None:
            raise ControlError(409, f"`peertape {self._mode}` limits nothing; `peertape replay` does.")
        try:
            limits.change(session, _read(limits.LimitsMessage, message), self._limits)
        except LimitsError as error:
            raise ControlError(400, str(error)) from error
        return limits.told(session, self._limits)

    def faults(self, session: Session, _message: Any) -> dict[str, Any]:
        return faults.told(session, self._faults or Faults())

    def change_faults(self, session: Session, message: Any) -> dict[str, Any]:
        if self._faults is None:
            raise ControlError(409, f"`peertape {self._mode}` breaks nothing; `peertape replay` and `proxy` do.")
        try:
            faults.change(session, _read(faults.FaultsMessage, message), self._faults)
        except FaultError as error:
            raise ControlError(400, str(error)) from error
        return faults.told(session, self._faults)

    def upstream(self, session: Session, message: Any) -> dict[str, Any]:  # noqa: ARG002 (it is one for all sessions)
        wish = _read(UpstreamMessage, message)
        if self._go_offline is None:
            raise ControlError(
                409, f"`peertape {self._mode}` does not switch the instance off and on; `peertape proxy` does."
            )
        self._go_offline(wish.offline)
        self._offline = wish.offline
        return {"upstream": self._upstream, "offline": wish.offline}

    @staticmethod
    def _time(session: Session) -> dict[str, Any]:
        clock = session.clock
        timeline = clock.timeline
        return {
            "now": datetime.fromtimestamp(clock.now(), UTC).isoformat(),
            "frozen": clock.frozen,
            "timeline": None if timeline is None else datetime.fromtimestamp(timeline, UTC).isoformat(),
        }


def _read[M: BaseModel](kind: type[M], message: Any) -> M:
    try:
        return kind.model_validate(message)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ControlError(400, f"{where}: {first['msg']}.") from error
