"""Version 4 of cassettes: what a body tells is part of what a request means, so that it is found among any number.

Frozen: it says what a cassette of version 4 holds, whatever the program does later.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qsl

import zstandard
from sqlalchemy import Connection, Row, bindparam, text

_LOGIN = "/api/v1/users/token"
_COUNTING = (  # fields of a login
    "client_id",
    "client_secret",
    "externalAuthToken",
    "grant_type",
    "password",
    "refresh_token",
    "username",
)
_FORM = "application/x-www-form-urlencoded"
_CHARSET = re.compile(r"charset=\"?([^\";\s]+)", re.IGNORECASE)
_PAGE = 500  # exchanges at once

_WITH_BODY = text(
    "SELECT exchanges.id, method, folded, meaning, body_digest, request_headers, request_body FROM exchanges"
    " JOIN paths ON paths.id = exchanges.path WHERE exchanges.id > :last AND body_digest IS NOT NULL"
    " ORDER BY exchanges.id LIMIT :most"
)
_FIELDS = text("SELECT name, value FROM fields WHERE id IN :numbers").bindparams(bindparam("numbers", expanding=True))
_CHUNKS = text("SELECT size, coding, data FROM chunks WHERE body_id = :body ORDER BY position")
_CHANGE = text("UPDATE exchanges SET meaning = :meaning WHERE id = :id")


def tell_bodies_apart(connection: Connection) -> None:
    last = 0
    while rows := connection.execute(_WITH_BODY, {"last": last, "most": _PAGE}).all():
        meanings = [{"id": row.id, "meaning": row.meaning ^ _number(_told(connection, row))} for row in rows]
        connection.execute(_CHANGE, meanings)
        last = rows[-1].id


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], signed=True)


def _told(connection: Connection, row: Row[Any]) -> bytes:
    if row.method != "POST" or row.folded != _LOGIN or row.request_body is None:
        return bytes(row.body_digest)
    numbers = json.loads(row.request_headers)
    headers = {found.name.lower(): found.value for found in connection.execute(_FIELDS, {"numbers": numbers})}
    kind, _, parameters = headers.get("content-type", "").partition(";")
    given = _given(kind.strip().lower(), _body(connection, row.request_body))
    if given is None or "content-encoding" in headers:
        return bytes(row.body_digest)
    charset = _CHARSET.search(parameters)
    spelled = charset[1].lower() if charset else "utf-8"
    told = kind.strip().lower() + ("" if spelled in ("utf-8", "utf8") else f";{spelled}") + "\1"
    told += "".join(f"{name}\0{given[name]}\0" for name in _COUNTING if isinstance(given.get(name), str))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()


def _given(kind: str, body: bytes) -> dict[str, Any] | None:
    """The fields; None if it is neither a form nor JSON."""
    said = body.decode("utf-8", "replace")
    if kind == _FORM:
        return dict(reversed(parse_qsl(said, keep_blank_values=True)))
    if "json" not in kind:
        return None
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _body(connection: Connection, number: int) -> bytes:
    chunks = connection.execute(_CHUNKS, {"body": number}).all()
    return b"".join(
        zstandard.decompress(chunk.data, max_output_size=chunk.size) if chunk.coding == "zstd" else chunk.data
        for chunk in chunks
    )
