"""Reading a cassette: finding candidates by their keys, and exchanges whole."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched, chain, takewhile
from pathlib import Path
from typing import Any, cast

from sqlalchemy import BindParameter, Engine, Row, and_, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from peertape.cassettes import schema
from peertape.cassettes.fields import FieldReader
from peertape.cassettes.headers import Headers
from peertape.cassettes.keyed import FEW, LAST, Keyed
from peertape.cassettes.keys import EMPTY_DIGEST, Meaning, RequestKeys, keys_of
from peertape.cassettes.loading import load
from peertape.cassettes.model import Exchange, State
from peertape.cassettes.named import origins_in
from peertape.cassettes.origin import Origin
from peertape.cassettes.place import Place
from peertape.cassettes.places import place_of
from peertape.cassettes.redaction.filters import request_body_filter
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules

EXCHANGES_KEPT = 1024  # whole exchanges that stay in memory; their bodies do not
PAGE = 100  # exchanges that are read at once
LARGEST_PAGE = 1000  # candidates, by whoever goes on through them
MOST_WINDOWS = 200  # of a list, that are read
LOOKUPS_KEPT = 1024  # what was found, which several stages ask for within one request


def _spelled(value: int) -> BindParameter[int]:
    """In the statement itself: an index of some rows is used only where it shows that these are meant."""
    return bindparam(None, value, literal_execute=True)


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
_ON_PATH = _columns.path == select(schema.paths.c.id).where(schema.paths.c.folded == bindparam("key")).scalar_subquery()
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
_UPWARDS = {
    kind: _CANDIDATE.where(under, _columns.id > bindparam("number")).limit(bindparam("most"))
    for kind, under in _UNDER.items()
}
_DOWNWARDS = {
    kind: _CANDIDATE.where(under, _columns.id < bindparam("number"))
    .order_by(None)
    .order_by(_columns.id.desc())
    .limit(bindparam("most"))
    for kind, under in _UNDER.items()
}
_BY_NUMBERS = _CANDIDATE.where(_columns.id.in_(bindparam("numbers", expanding=True)))
_BY_PATH = _CANDIDATE.join(schema.paths, schema.paths.c.id == _columns.path).where(
    schema.paths.c.folded.in_(bindparam("paths", expanding=True))
)
# Changes with every exchange that begins, and with what is learned when one ends.
_NEWEST = select(
    select(func.max(_columns.id)).scalar_subquery(), select(func.count()).select_from(schema.meta).scalar_subquery()
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
_TOKEN = select(schema.tokens).where(schema.tokens.c.pseudonym == bindparam("pseudonym"))
_PASSED = (
    select(schema.tokens.c.pseudonym)
    .join(schema.credentials, schema.credentials.c.pseudonym == schema.tokens.c.pseudonym)
    .where(schema.tokens.c.passed == _spelled(1), schema.credentials.c.user == bindparam("user"))
    .limit(1)
)
_USER = select(schema.credentials.c.user).where(schema.credentials.c.pseudonym == bindparam("pseudonym"))
_NUMBERS = select(schema.resources.c.number).where(
    schema.resources.c.kind == bindparam("kind"), schema.resources.c.uuid == bindparam("uuid")
)
_UUID = select(schema.resources.c.uuid).where(
    schema.resources.c.kind == bindparam("kind"), schema.resources.c.number == bindparam("number")
)


# The last request that changed something, between two moments.
_LAST_WRITE = (
    select(_columns.id)
    .where(
        _columns.method.not_in(bindparam("safe", schema.SAFE, expanding=True, literal_execute=True)),
        _columns.status.between(_spelled(200), _spelled(299)),
        _columns.started_at > bindparam("after"),
        _columns.started_at <= bindparam("until"),
        _columns.path.not_in(select(schema.paths.c.id).where(schema.paths.c.folded == bindparam("besides"))),
    )
    .order_by(_columns.started_at.desc())
    .limit(1)
)


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
class Token:
    """What became of a token that was presented."""

    refused: bool  # with 401, at least once
    passed: bool  # answered although a rate limit was over


class Cassette:
    """A cassette that is only read; sees what a writer adds meanwhile."""

    def __init__(self, place: Path | Place, name: str | None = None, rules: RedactionRules | None = None) -> None:
        self.place = place_of(place)
        self.name = name or self.place.name
        self._engine = self.place.open_reader()
        self._fields = FieldReader(self._rows)
        self.rules = rules or RedactionRules.default()
        meta = self.meta()
        self.pseudonyms = Pseudonyms(
            bytes.fromhex(meta["key"]), bytes.fromhex(meta["salt"]), _IssuedPseudonyms(self._engine)
        )
        self.redactor = Redactor(self.pseudonyms, self.rules)
        # Differs from what it was whenever anybody has written in between.
        self.changes: Callable[[], int] = self.place.changes(self._engine)
        self._found: dict[str, object] = {}
        self._found_at: int | None = None
        self._lookups: OrderedDict[tuple[object, ...], object] = OrderedDict()
        self._looked_at: int | None = None
        self._kept: OrderedDict[int, Exchange] = OrderedDict()

    def close(self) -> None:
        self._engine.dispose()

    def exchange(self, number: int) -> Exchange:
        """Whole; one that is still being recorded as far as it has come."""
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        exchange = self._load(number)
        if exchange.state is not State.OPEN:
            self._kept[number] = exchange
            if len(self._kept) > EXCHANGES_KEPT:
                self._kept.popitem(last=False)
        return exchange

    def meta(self) -> dict[str, str]:
        return {row.name: row.value for row in self._rows(select(schema.meta))}

    @property
    def public_origin(self) -> str | None:
        """Where the instance says that it is; else where it was recorded."""
        return self._known("public_origin", self._public_origin)

    def named_origins(self) -> frozenset[Origin]:
        """Where files lie, as the instance said."""
        return self._looked_up(("named origins",), lambda: origins_in(self.meta()))

    def authorities(self) -> frozenset[str]:
        """Every Host under which something was recorded."""
        return self._known("authorities", self._authorities)

    @property
    def first_authority(self) -> str | None:
        """The Host under which the first exchange was recorded."""
        return self._known("first authority", lambda: next((one.authority for one in self.candidates()), None))

    @property
    def last(self) -> int:
        """The number of the last exchange; 0: there is none."""
        return self._known("last", lambda: self.version()[0])

    def version(self) -> tuple[int, ...]:
        """Changes whenever an exchange is added or something is learned."""
        row = self._rows(_NEWEST)[0]
        return tuple(value or 0 for value in row)

    def _known[T](self, name: str, find: Callable[[], T]) -> T:
        """What was found, until an exchange is added or ends."""
        if (changes := self.changes()) != self._found_at:
            self._found_at = changes
            if self._found.get("version") != (version := self.version()):
                self._found = {"version": version}
        if name not in self._found:
            self._found[name] = find()
        return cast(T, self._found[name])

    def _looked_up[T](self, key: tuple[object, ...], find: Callable[[], T]) -> T:
        """What was found under that key, until anything is written."""
        if (changes := self.changes()) != self._looked_at:
            self._looked_at = changes
            self._lookups.clear()
        if key in self._lookups:
            self._lookups.move_to_end(key)
            return cast(T, self._lookups[key])
        found = self._lookups[key] = find()
        if len(self._lookups) > LOOKUPS_KEPT:
            self._lookups.popitem(last=False)
        return found

    def _public_origin(self) -> str | None:
        meta = self.meta()
        if origin := meta.get("public_origin") or meta.get("upstream"):
            return origin
        first = next(iter(self._rows(select(_columns.scheme, _columns.authority).order_by(_columns.id).limit(1))), None)
        return f"{first.scheme}://{first.authority}" if first else None

    def _authorities(self) -> frozenset[str]:
        return frozenset(row.authority for row in self._rows(select(schema.hosts)))

    def keys(self, method: str, target: str, headers: Headers, body: bytes, digest: bytes | None = None) -> RequestKeys:
        """The keys of a request as this cassette's secrets are told: a secret and its pseudonym count the same."""
        if digest is None:
            body_filter = request_body_filter(headers, self.redactor)
            body_filter.feed(body)
            body_filter.finish()
            digest = body_filter.digest
        redacted = self.redactor.headers(headers, response=False)
        return keys_of(method, self.redactor.target(target), redacted, digest)

    def redacted_body(self, headers: Headers, body: bytes) -> bytes:
        """A request's body as this cassette would store it."""
        body_filter = request_body_filter(headers, self.redactor)
        return body_filter.feed(body) + body_filter.finish()

    def by_exact_key(self, key: bytes) -> Keyed[Candidate]:
        return self._keyed("exact", [{"key": key}])

    def by_telling_key(self, key: bytes) -> Keyed[Candidate]:
        return self._keyed("telling", [{"key": key}])

    def by_meaning(self, paths: Iterable[str], meaning: Meaning) -> Keyed[Candidate]:
        """What was asked of these paths, as `paths.fold` spells them, with a query of that meaning."""
        return self._keyed(
            "meaning", [{"key": path, "meaning": meaning.rest, "window": meaning.window} for path in paths]
        )

    def windows(self, paths: Iterable[str], meaning: Meaning, reach: int) -> list[Candidate]:
        """What was asked of these paths with that meaning, in windows that begin no further away; the last ones."""
        low, high = meaning.window - reach, meaning.window + reach
        known = {"meaning": meaning.rest, "low": low, "high": high, "most": MOST_WINDOWS}
        found = (self._rows(_WINDOWS, key=path, **known) for path in paths)
        return sorted(map(_candidate, chain.from_iterable(found)), key=_number)

    def by_path(self, paths: Iterable[str]) -> list[Candidate]:
        """`paths` as `paths.fold` spells them."""
        wanted = list(paths)
        return list(self._looked_up(("path", *wanted), lambda: [*map(_candidate, self._rows(_BY_PATH, paths=wanted))]))

    def newest(self, paths: Iterable[str], most: int) -> list[Candidate]:
        """Of each path the last recordings, so many at most, in recorded order."""
        found = (self._page("path", {"key": path}, LAST, most, down=True) for path in dict.fromkeys(paths))
        return sorted(chain.from_iterable(found), key=_number)

    def candidate(self, number: int) -> Candidate | None:
        row = next(iter(self._rows(_CANDIDATE.where(_columns.id == number))), None)
        return _candidate(row) if row else None

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

    def candidates(self, after: int = 0) -> Iterator[Candidate]:
        """All of them, or those with a higher number, in recorded order."""
        last, most = after, PAGE
        while page := self._rows(_CANDIDATE.where(_columns.id > last).limit(most)):
            yield from map(_candidate, page)
            last, most = page[-1].id, LARGEST_PAGE

    def candidates_of(self, numbers: Sequence[int]) -> list[Candidate]:
        """Those of the numbers that there are."""
        return [_candidate(row) for row in self._rows(_BY_NUMBERS, numbers=numbers)] if numbers else []

    def last_write(self, after: float, until: float, besides: str) -> Candidate | None:
        """The last request that changed something after the one moment and up to the other; none to path `besides`."""
        rows = self._rows(_LAST_WRITE, after=after, until=until, besides=besides)
        return self.candidate(rows[0].id) if rows else None

    def user_of(self, pseudonym: str) -> str | None:
        """Whose the token behind a pseudonym is."""
        rows = self._looked_up(("user", pseudonym), lambda: self._rows(_USER, pseudonym=pseudonym))
        return str(rows[0].user) if rows else None

    def users(self) -> list[Row[Any]]:
        return self._rows(select(schema.users).order_by(schema.users.c.name))

    def roles(self) -> dict[str, str]:
        """By user name, as far as `/users/me` told."""
        return self._known("roles", lambda: {row.name: row.role for row in self.users() if row.role})

    def token(self, pseudonym: str) -> Token | None:
        """What became of it; None: it was never presented."""
        rows = self._looked_up(("token", pseudonym), lambda: self._rows(_TOKEN, pseudonym=pseudonym))
        return Token(bool(rows[0].refused), bool(rows[0].passed)) if rows else None

    def has_passed(self, user: str) -> bool:
        """Whether a token of that user was let pass although a rate limit was over."""
        return self._looked_up(("passed", user), lambda: bool(self._rows(_PASSED, user=user)))

    def numbers(self, kind: str, uuid: str) -> list[str]:
        rows = self._looked_up(("numbers", kind, uuid), lambda: self._rows(_NUMBERS, kind=kind, uuid=uuid))
        return [str(row.number) for row in rows]

    def uuid(self, kind: str, number: str) -> str | None:
        if len(number) > 18:  # beyond SQLite's integers: no resource has it
            return None
        rows = self._looked_up(("uuid", kind, number), lambda: self._rows(_UUID, kind=kind, number=int(number)))
        return str(rows[0].uuid) if rows else None

    def exchanges(self) -> Iterator[Exchange]:
        """All of them whole, in recorded order."""
        yield from self.whole(candidate.id for candidate in self.candidates())

    def whole(self, numbers: Iterable[int]) -> Iterator[Exchange]:
        """Exchanges in the order of the numbers, read page by page; small bodies come with them, in memory."""
        for page in batched(numbers, PAGE, strict=False):
            yield from load(self._rows, self._engine, self._fields, page, contents=True)

    def headers(self, lists: Sequence[str | None]) -> list[Headers]:
        """Of lists as the table `exchanges` has them."""
        return self._fields.headers(lists)

    def count(self) -> int:
        return self._looked_up(("count",), lambda: int(self._rows(select(func.count(_columns.id)))[0][0]))

    def query(self, statement: Any, **values: Any) -> list[Row[Any]]:
        """The rows of a statement over `peertape.cassettes.schema`: for what people ask, not for matching."""
        return self._rows(statement, **values)

    def _keyed(self, kind: str, keys: Sequence[Mapping[str, Any]]) -> Keyed[Candidate]:
        """Under any of the keys."""

        def page(number: int, most: int, down: bool) -> list[Candidate]:
            found = chain.from_iterable(self._page(kind, key, number, most, down=down) for key in keys)
            return sorted(found, key=_number, reverse=down)[:most]

        asked = (kind, *(value for key in keys for value in key.values()))
        few = self._looked_up(asked, lambda: page(0, FEW + 1, False))
        return Keyed(few if len(few) <= FEW else None, page)

    def _page(self, kind: str, key: Mapping[str, Any], number: int, most: int, *, down: bool) -> list[Candidate]:
        statement = (_DOWNWARDS if down else _UPWARDS)[kind]
        return [*map(_candidate, self._rows(statement, **key, number=number, most=most))]

    def _load(self, number: int) -> Exchange:
        return load(self._rows, self._engine, self._fields, [number])[0]

    def _rows(self, query: Any, **values: Any) -> list[Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(query, values).all())
        except DBAPIError as error:
            raise self.place.sentence_for(error.orig or error) from error


class _IssuedPseudonyms:
    """The pseudonyms in the database, asked for one by one: a growing cassette issues new ones meanwhile.

    Those that were found are remembered; what is none may be a secret, which is not.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._found: set[str] = set()
        self._query = select(schema.pseudonyms.c.text).where(schema.pseudonyms.c.text == bindparam("text"))

    def __contains__(self, text: object) -> bool:
        if text in self._found:
            return True
        with self._engine.connect() as connection:
            known = connection.execute(self._query, {"text": schema.pseudonym_text(str(text))}).first() is not None
        if known:
            self._found.add(str(text))
        return known


def _number(candidate: Candidate) -> int:
    return candidate.id


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(
        row.id,
        State(row.state),
        row.method,
        row.target,
        row.scheme,
        row.authority,
        row.status,
        row.credential,
        row.started_at,
        row.answered_at,
        row.body_digest or (EMPTY_DIGEST if row.telling_key else None),
        row.telling_key,
    )
