"""Finding exchanges by their keys and paths, as matching asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, takewhile
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, select, true

from peertape.cassettes import schema
from peertape.cassettes.keyed import FEW, LAST, Keyed
from peertape.cassettes.keys import EMPTY_DIGEST, Meaning
from peertape.cassettes.model import State
from peertape.cassettes.reader import Reader, literal

PAGE = 100  # candidates that are read at once
LARGEST_PAGE = 1000  # by whoever goes on through them
MOST_WINDOWS = 200  # of a list, that are read

_STATES = {state.value: state for state in State}
_columns = schema.exchanges.c
_CANDIDATE = select(
    _columns.id,
    _columns.state,
    _columns.method,
    _columns.target,
    _columns.scheme,
    _columns.authority,
    _columns.status,
    _columns.credential,
    _columns.started_at,
    _columns.answered_at,
    _columns.body_digest,
    _columns.telling_key,
).order_by(_columns.id)
_PATH = select(schema.paths.c.id).where(schema.paths.c.folded == bindparam("folded"))
_ON_PATH = _columns.path == bindparam("path")
_WINDOWS = _CANDIDATE.where(
    _columns.id.in_(
        select(_columns.id)
        .where(
            _ON_PATH,
            _columns.meaning == bindparam("meaning"),
            _columns.window.between(bindparam("low"), bindparam("high")),
        )
        .order_by(_columns.id.desc())
        .limit(bindparam("most"))
    )
)
_UNDER = {
    "exact": _columns.exact_key == bindparam("key"),
    "telling": _columns.telling_key == bindparam("key"),
    "path": _ON_PATH,
    "meaning": and_(_ON_PATH, _columns.meaning == bindparam("meaning"), _columns.window == bindparam("window")),
}
_credentials = schema.credentials.c
_OF_USER = exists().where(_credentials.pseudonym == _columns.credential, _credentials.user == bindparam("user"))
_BY = {
    "anyone": true(),
    "nobody": _columns.credential.is_(None),
    "token": _columns.credential == bindparam("token"),
    "user": _OF_USER,
}
_BY_NUMBERS = _CANDIDATE.where(_columns.id.in_(bindparam("numbers", expanding=True)))
_BY_PATH = _CANDIDATE.join(schema.paths, schema.paths.c.id == _columns.path).where(
    schema.paths.c.folded.in_(bindparam("paths", expanding=True))
)
_PATHS_FROM = (
    select(schema.paths.c.folded)
    .where(schema.paths.c.folded >= bindparam("start"))
    .order_by(schema.paths.c.folded)
    .limit(bindparam("most"))
)
_PATHS_BEFORE = (
    select(schema.paths.c.folded)
    .where(schema.paths.c.folded < bindparam("stop"))
    .order_by(schema.paths.c.folded.desc())
    .limit(bindparam("most"))
)
# The last request that changed something, between two moments.
_LAST_WRITE = (
    select(_columns.id)
    .where(
        _columns.method.not_in(bindparam("safe", schema.SAFE, expanding=True, literal_execute=True)),
        _columns.status.between(literal(200), literal(299)),
        _columns.started_at > bindparam("after"),
        _columns.started_at <= bindparam("until"),
        _columns.path.not_in(select(schema.paths.c.id).where(schema.paths.c.folded == bindparam("besides"))),
    )
    .order_by(_columns.started_at.desc())
    .limit(1)
)


@cache
def _page_of(kind: str, by: str, *, down: bool) -> Select[Any]:
    """Made when it is asked for first: a start needs none of them."""
    of_them = _CANDIDATE.where(_UNDER[kind], _BY[by])
    if down:
        of_them = of_them.where(_columns.id < bindparam("number")).order_by(None).order_by(_columns.id.desc())
    else:
        of_them = of_them.where(_columns.id > bindparam("number"))
    return of_them.limit(bindparam("most"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An exchange as matching sees it."""

    id: int
    state: State
    method: str
    target: str
    scheme: str
    authority: str
    status: int | None
    credential: str | None
    started_at: float
    answered_at: float | None
    body_digest: bytes | None
    telling_key: bytes | None

    @property
    def replayable(self) -> bool:
        """Whole, and no 429: that one is a matter of the moment, not of the resource."""
        return self.state is State.COMPLETE and self.status not in (None, 101, 429)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked: with which token, or any one of a user; by default somebody without a token."""

    user: str | None = None
    token: str | None = None

    @property
    def told(self) -> tuple[str, dict[str, str]]:
        """The name of a condition, and its values."""
        if self.user is not None:
            return "user", {"user": self.user}
        return ("nobody", {}) if self.token is None else ("token", {"token": self.token})


class Candidates(Reader):
    """The exchanges of a cassette, as far as matching looks at them."""

    def by_exact_key(self, key: bytes, few: int | None = None) -> Keyed[Candidate]:
        return self._keyed("exact", [{"key": key}], few)

    def by_telling_key(self, key: bytes, asker: Asker | None = None) -> Keyed[Candidate]:
        """`asker`: who asked; None: anybody."""
        return self._keyed("telling", [{"key": key}], asker=asker)

    def by_meaning(self, paths: Iterable[str], meaning: Meaning, asker: Asker | None = None) -> Keyed[Candidate]:
        """What was asked of these paths, as `paths.fold` spells them, with a query and a body of that meaning."""
        told = {"meaning": meaning.rest, "window": meaning.window}
        return self._keyed("meaning", [{"path": number, **told} for number in self._numbers_of(paths)], asker=asker)

    def on_paths(self, paths: Iterable[str], asker: Asker | None = None) -> Keyed[Candidate]:
        """What was asked of these paths, as `paths.fold` spells them."""
        return self._keyed("path", [{"path": number} for number in self._numbers_of(paths)], asker=asker)

    def windows(self, paths: Iterable[str], meaning: Meaning, reach: int) -> list[Candidate]:
        """What was asked of these paths with that meaning, in windows that begin no further away; the last ones."""
        low, high = meaning.window - reach, meaning.window + reach
        known = {"meaning": meaning.rest, "low": low, "high": high, "most": MOST_WINDOWS}
        found = (self._rows(_WINDOWS, path=number, **known) for number in self._numbers_of(paths))
        return sorted(map(_candidate, chain.from_iterable(found)), key=_number)

    def by_path(self, paths: Iterable[str]) -> list[Candidate]:
        """`paths` as `paths.fold` spells them."""
        wanted = list(paths)
        return list(self._cached(("paths", *wanted), lambda: [*map(_candidate, self._rows(_BY_PATH, paths=wanted))]))

    def newest(self, paths: Iterable[str], most: int) -> list[Candidate]:
        """Of each path the last recordings, so many at most, in recorded order."""
        numbers = self._numbers_of(dict.fromkeys(paths))
        statement = _page_of("path", "anyone", down=True)
        found = (self._page(statement, {"path": number}, LAST, most) for number in numbers)
        return sorted(chain.from_iterable(found), key=_number)

    def candidate(self, number: int) -> Candidate | None:
        row = next(iter(self._rows(_CANDIDATE.where(_columns.id == number))), None)
        return _candidate(row) if row else None

    def candidates(self, after: int = 0) -> Iterator[Candidate]:
        """All of them, or those with a higher number, in recorded order."""
        last, most = after, PAGE
        while page := self._rows(_CANDIDATE.where(_columns.id > last).limit(most)):
            yield from map(_candidate, page)
            last, most = page[-1].id, LARGEST_PAGE

    def candidates_of(self, numbers: Sequence[int]) -> list[Candidate]:
        """Those of the numbers that there are."""
        return [_candidate(row) for row in self._rows(_BY_NUMBERS, numbers=numbers)] if numbers else []

    def paths_from(self, start: str, most: int) -> list[str]:
        """The next paths under which something was recorded, from that one on, in their order."""
        return [row.folded for row in self._rows(_PATHS_FROM, start=start, most=most)]

    def paths_before(self, stop: str, most: int) -> list[str]:
        """The ones before it, the nearest first."""
        return [row.folded for row in self._rows(_PATHS_BEFORE, stop=stop, most=most)]

    def paths_below(self, folder: str) -> Iterator[str]:
        """All that begin with that folder, in their order."""
        start, beginning = f"{folder}/", f"{folder}/"
        while page := self.paths_from(start, PAGE):
            yield from takewhile(lambda path: path.startswith(beginning), page)
            if len(page) < PAGE or not page[-1].startswith(beginning):
                return
            start = f"{page[-1]}\x00"

    def last_write(self, after: float, until: float, besides: str) -> Candidate | None:
        """The last request that changed something after the one moment and up to the other; none to path `besides`."""
        rows = self._rows(_LAST_WRITE, after=after, until=until, besides=besides)
        return self.candidate(rows[0].id) if rows else None

    def has_path(self, folded: str) -> bool:
        """Whether anything was asked of that path, as `paths.fold` spells it."""
        return self._number_of(folded) is not None

    def _number_of(self, folded: str) -> int | None:
        rows = self._cached(("path", folded), lambda: self._rows(_PATH, folded=folded))
        return int(rows[0].id) if rows else None

    def _numbers_of(self, paths: Iterable[str]) -> list[int]:
        """Of those paths that there are."""
        return [number for path in paths if (number := self._number_of(path)) is not None]

    def _keyed(
        self, kind: str, keys: Sequence[Mapping[str, Any]], few: int | None = None, asker: Asker | None = None
    ) -> Keyed[Candidate]:
        """Under any of the keys; at once if there are no more than a few."""
        enough = FEW if few is None else few
        by, told = ("anyone", {}) if asker is None else asker.told

        def page(number: int, most: int, down: bool) -> list[Candidate]:
            statement = _page_of(kind, by, down=down)
            pages = (self._page(statement, {**key, **told}, number, most) for key in keys)
            return sorted(chain.from_iterable(pages), key=_number, reverse=down)[:most]

        asked = (kind, enough, asker, *(value for key in keys for value in key.values()))
        first = self._cached(asked, lambda: page(0, enough + 1, False))
        return Keyed(first, len(first) <= enough, page)

    def _page(self, statement: Select[Any], key: Mapping[str, Any], number: int, most: int) -> list[Candidate]:
        return [*map(_candidate, self._rows(statement, **key, number=number, most=most))]


def _number(candidate: Candidate) -> int:
    return candidate.id


def _candidate(row: Iterable[Any]) -> Candidate:
    number, state, method, target, scheme, authority, status, credential, started, answered, digest, telling = row
    body = digest or (EMPTY_DIGEST if telling else None)
    return Candidate(
        number, _STATES[state], method, target, scheme, authority, status, credential, started, answered, body, telling
    )
