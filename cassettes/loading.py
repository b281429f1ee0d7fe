"""Exchanges whole: a page of them takes the few queries that one takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import batched
from typing import Any

import zstandard
from sqlalchemy import BindParameter, Engine, Row, bindparam, exists, select

from peertape.cassettes import schema
from peertape.cassettes.bodies import EMPTY, Body, BytesBody
from peertape.cassettes.chunks import StoredBody, unpacked
from peertape.cassettes.fields import FieldReader
from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import EMPTY_DIGEST
from peertape.cassettes.model import (
    SWITCHED,
    Closing,
    Exchange,
    Message,
    NotKept,
    RecordedRequest,
    RecordedResponse,
    State,
    Timing,
)

SMALL = 64 * 1024  # octets of a body that is read with its page

_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)
_EXCHANGES = select(schema.exchanges).where(schema.exchanges.c.id.in_(_WANTED))
_IS_KEPT = exists().where(schema.chunks.c.body_id == schema.bodies.c.id).label("is_kept")
_BODIES = select(schema.bodies, _IS_KEPT).where(schema.bodies.c.id.in_(_WANTED))
_CHUNKS = select(schema.chunks).where(schema.chunks.c.body_id.in_(_WANTED)).order_by(*schema.chunks.primary_key)
_MESSAGES = (
    select(schema.messages).where(schema.messages.c.exchange_id.in_(_WANTED)).order_by(*schema.messages.primary_key)
)
_CLOSINGS = select(schema.closings).where(schema.closings.c.exchange_id.in_(_WANTED))

Rows = Callable[..., list[Row[Any]]]  # of a statement with its values
_LISTS = ("request_headers", "request_trailers", "response_headers", "response_trailers")


def load(
    rows: Rows, engine: Engine, fields: FieldReader, numbers: Sequence[int], *, contents: int = 0
) -> list[Exchange]:
    """Those of the numbers that there are, in the order of the numbers.

    `contents`: bodies of so many octets at most are read as well.
    """
    found = {row.id: row for row in rows(_EXCHANGES, wanted=numbers)}
    headers = batched(
        fields.headers([getattr(row, name) for row in found.values() for name in _LISTS]), len(_LISTS), strict=True
    )
    parts = dict(zip(found, headers, strict=True))
    known = _known_bodies(rows, found.values())
    bodies = _bodies(rows, engine, known, contents)
    lacking = {row.id: row for row in known if row.size and not row.is_kept}
    switched = [number for number, row in found.items() if row.status == SWITCHED]
    messages: dict[int, list[Message]] = {number: [] for number in switched}
    for row in rows(_MESSAGES, wanted=switched) if switched else ():
        messages[row.exchange_id].append(Message(row.at, bool(row.from_client), bool(row.is_text), row.content))
    closings = {
        row.exchange_id: Closing(row.at, bool(row.from_client), row.code, row.reason)
        for row in (rows(_CLOSINGS, wanted=switched) if switched else ())
    }
    return [
        _exchange(
            found[number],
            parts[number],
            bodies,
            lacking.get(found[number].request_body),
            tuple(messages.get(number, ())),
            closings.get(number),
        )
        for number in numbers
        if number in found
    ]


def _known_bodies(rows: Rows, exchanges: Iterable[Row[Any]]) -> list[Row[Any]]:
    wanted = {number for row in exchanges for number in (row.request_body, row.response_body) if number is not None}
    return rows(_BODIES, wanted=list(wanted)) if wanted else []


def _bodies(rows: Rows, engine: Engine, known: Sequence[Row[Any]], contents: int) -> dict[int | None, Body]:
    sizes = {row.id: row.size for row in known}
    out: dict[int | None, Body] = {None: EMPTY}
    out.update({row.id: StoredBody(engine, row.id, row.size, row.sha256) for row in known})
    small = {number: size for number, size in sizes.items() if size <= contents}
    out.update({number: BytesBody(octets) for number, octets in octets_of(rows, small).items()})
    return out


def octets_of(rows: Rows, sizes: Mapping[int, int]) -> dict[int, bytes]:
    """Of bodies, by their numbers, read together. What is damaged is not among them: it says so when it is read."""
    pieces: dict[int, list[bytes]] = {number: [] for number in sizes}
    for row in rows(_CHUNKS, wanted=list(sizes)) if sizes else ():
        with suppress(zstandard.ZstdError):
            pieces[row.body_id].append(unpacked(row.data, row.coding, row.size))
    joined = {number: b"".join(held) for number, held in pieces.items()}
    return {number: octets for number, octets in joined.items() if len(octets) == sizes[number]}


def _exchange(
    row: Row[Any],
    parts: tuple[Headers, ...],
    bodies: dict[int | None, Body],
    lacking: Row[Any] | None,
    messages: tuple[Message, ...],
    closing: Closing | None,
) -> Exchange:
    request_headers, request_trailers, response_headers, response_trailers = parts
    request = RecordedRequest(
        row.method,
        row.target,
        row.scheme,
        row.authority,
        row.http_version,
        request_headers,
        bodies[row.request_body] if lacking is None else EMPTY,
        request_trailers,
        None if lacking is None else NotKept(lacking.size, lacking.sha256 or b"", row.body_digest or EMPTY_DIGEST),
    )
    response = None
    if row.status is not None:
        response = RecordedResponse(
            row.status,
            row.reason or "",
            row.response_http_version or row.http_version,
            response_headers,
            bodies[row.response_body],
            response_trailers,
        )
    return Exchange(
        request,
        response,
        Timing(row.started_at, row.sent_at, row.answering_at, row.answered_at),
        State(row.state),
        row.id,
        row.error,
        row.client_host,
        messages,
        closing,
    )
