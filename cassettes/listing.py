"""What people ask of a cassette: its exchanges a line each, one exchange's keys, and counts of everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, select

from peertape.cassettes.headers import media_type
from peertape.cassettes.keys import EMPTY_DIGEST
from peertape.cassettes.model import State
from peertape.cassettes.schema import VERSION, bodies, chunks, credentials, exchanges, messages, paths
from peertape.cassettes.store import Cassette

ANONYMOUS = "anonymous"
TOKEN = "token"  # of a user whom no recorded login names
ROUTES = 20
_PAGE = 1000

_request_bodies = bodies.alias()
_response_bodies = bodies.alias()
_identity = case((exchanges.c.credential.is_(None), ANONYMOUS), else_=func.coalesce(credentials.c.user, TOKEN))
_LINES = (
    select(
        exchanges.c.id,
        exchanges.c.started_at,
        exchanges.c.method,
        exchanges.c.scheme,
        exchanges.c.authority,
        exchanges.c.target,
        exchanges.c.status,
        exchanges.c.state,
        exchanges.c.credential,
        _identity.label("identity"),
        _response_bodies.c.size,
        exchanges.c.response_headers,
    )
    .join_from(exchanges, credentials, credentials.c.pseudonym == exchanges.c.credential, isouter=True)
    .join(_response_bodies, _response_bodies.c.id == exchanges.c.response_body, isouter=True)
    .where(exchanges.c.id > bindparam("last"))
    .order_by(exchanges.c.id)
    .limit(_PAGE)
)
_KEYS = (
    select(
        exchanges.c.credential,
        exchanges.c.exact_key,
        exchanges.c.telling_key,
        paths.c.folded,
        exchanges.c.body_digest,
    )
    .join_from(exchanges, paths, paths.c.id == exchanges.c.path, isouter=True)
    .where(exchanges.c.id == bindparam("exchange"))
)


@dataclass(frozen=True, slots=True)
class Line:
    """An exchange in a line. `size` is that of the response body as it was transferred."""

    id: int
    started: float
    method: str
    scheme: str
    authority: str  # that it was asked under
    target: str
    status: int | None
    state: State
    identity: str  # `anonymous`, a user's name, or `token`
    credential: str | None
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """What matching knows of an exchange; None where its request did not end."""

    credential: str | None
    exact: bytes | None
    telling: bytes | None
    folded_path: str | None
    body_digest: bytes | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Sizes are octets: of bodies as often as they were transferred, each once, and as they lie in the file."""

    exchanges: int
    methods: Mapping[str, int]
    statuses: Mapping[str, int]
    states: Mapping[str, int]
    routes: Mapping[str, int]  # the most frequent ones
    all_routes: int
    identities: Mapping[str, int]
    roles: Mapping[str, str | None]  # of the users who asked for their own account
    messages: int
    transferred: int
    deduplicated: int
    stored: int
    first: float | None
    last: float | None
    server_version: str | None
    public_origin: str | None
    upstream: str | None
    format_version: int


def lines(cassette: Cassette) -> Iterator[Line]:
    """All exchanges in recorded order."""
    last = 0
    while page := cassette.query(_LINES, last=last):
        for row, headers in zip(page, cassette.headers([row.response_headers for row in page]), strict=True):
            yield Line(
                row.id,
                row.started_at,
                row.method,
                row.scheme,
                row.authority,
                row.target,
                row.status,
                State(row.state),
                row.identity,
                row.credential,
                row.size or 0,
                media_type(headers),
            )
        last = page[-1].id


def keys(cassette: Cassette, exchange: int) -> StoredKeys | None:
    """None if there is no such exchange."""
    found = cassette.query(_KEYS, exchange=exchange)
    if not found:
        return None
    row = found[0]
    digest = row.body_digest or (EMPTY_DIGEST if row.exact_key else None)
    return StoredKeys(row.credential, row.exact_key, row.telling_key, row.folded, digest)


def identity(cassette: Cassette, credential: str | None) -> str:
    """`anonymous`, a user's name, or `token`."""
    if credential is None:
        return ANONYMOUS
    return cassette.user_of(credential) or TOKEN


def statistics(cassette: Cassette) -> Statistics:
    meta = cassette.meta()
    by_identity = (
        select(_identity.label("name"), func.count().label("number"))
        .join_from(exchanges, credentials, credentials.c.pseudonym == exchanges.c.credential, isouter=True)
        .group_by(_identity)
    )
    transferred = (
        select(_total(_request_bodies.c.size) + _total(_response_bodies.c.size))
        .join_from(exchanges, _request_bodies, _request_bodies.c.id == exchanges.c.request_body, isouter=True)
        .join(_response_bodies, _response_bodies.c.id == exchanges.c.response_body, isouter=True)
    )
    answered = func.coalesce(exchanges.c.answered_at, exchanges.c.started_at)
    span = cassette.query(select(func.min(exchanges.c.started_at).label("first"), func.max(answered).label("last")))[0]
    by_path = (
        select(paths.c.folded.label("name"), func.count().label("number"))
        .join_from(exchanges, paths, paths.c.id == exchanges.c.path, isouter=True)
        .group_by(paths.c.folded)
    )
    routes = _counted(cassette, by_path)
    return Statistics(
        exchanges=int(_number(cassette, select(func.count()).select_from(exchanges))),
        methods=_by(cassette, exchanges.c.method),
        statuses=_by(cassette, exchanges.c.status),
        states=_by(cassette, exchanges.c.state),
        routes=dict(list(routes.items())[:ROUTES]),
        all_routes=len(routes),
        identities=_counted(cassette, by_identity),
        roles={row.name: row.role for row in cassette.users()},
        messages=int(_number(cassette, select(func.count()).select_from(messages))),
        transferred=int(_number(cassette, transferred)),
        deduplicated=int(_number(cassette, select(_total(bodies.c.size)))),
        stored=int(_number(cassette, select(_total(func.length(chunks.c.data))))),
        first=span.first,
        last=span.last,
        server_version=meta.get("server_version"),
        public_origin=cassette.public_origin,
        upstream=meta.get("upstream"),
        format_version=VERSION,
    )


def _total(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum; 0 of no rows."""
    return func.coalesce(func.sum(column), 0)


def _by(cassette: Cassette, column: ColumnElement[Any]) -> dict[str, int]:
    return _counted(cassette, select(column.label("name"), func.count().label("number")).group_by(column))


def _counted(cassette: Cassette, statement: Any) -> dict[str, int]:
    """The most frequent first; what is NULL (no status, say) counts as `none`."""
    rows = [("none" if row.name is None else str(row.name), int(row.number)) for row in cassette.query(statement)]
    return dict(sorted(rows, key=lambda row: (-row[1], row[0])))


def _number(cassette: Cassette, statement: Any) -> float:
    return float(cassette.query(statement)[0][0] or 0)
