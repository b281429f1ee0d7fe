"""The tables of a cassette; `docs/cassette-format.md` explains each column.

Text that the wire carries as octets (targets, headers) is stored as latin-1 text, so that `sqlite3` and Datasette
show it readable and nothing is lost.
"""

from __future__ import annotations

from sqlalchemy import (
    BLOB,
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    event,
    select,
)
from sqlalchemy.util import OrderedSet

from peertape.cassettes.columns import Integer

APPLICATION_ID = 0x70746170  # "ptap": SQLite's application_id, by which a cassette is told from other databases
VERSION = 4  # SQLite's user_version; raised by a migration

SAFE = ("GET", "HEAD", "OPTIONS")  # methods of requests that change nothing

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

bodies = Table(
    "bodies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", LargeBinary(32), unique=True),  # NULL while it is being written, or if it was cut
    Column("size", Integer, nullable=False, default=0),
)

chunks = Table(
    "chunks",
    metadata,
    Column("body_id", Integer, ForeignKey("bodies.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),  # of its first octet in the body
    Column("size", Integer, nullable=False),  # in octets of the body
    Column("coding", Text, CheckConstraint("coding IN ('identity', 'zstd')"), nullable=False),
    Column("data", BLOB, nullable=False),
    sqlite_with_rowid=True,
)

fields = Table(  # of headers, those that are alike once
    "fields",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
)

hosts = Table(  # under which something was recorded
    "hosts",
    metadata,
    Column("authority", Text, primary_key=True),
    sqlite_with_rowid=False,
)

paths = Table(
    "paths",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("folded", Text, nullable=False, unique=True),  # without its odd spellings
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("id", Integer, primary_key=True),  # in recorded order
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('open', 'complete', 'cut', 'failed', 'unstored')"),
        nullable=False,
    ),
    Column("error", Text),
    Column("method", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("http_version", Text, nullable=False),
    Column("client_host", Text),
    Column("request_headers", Text, nullable=False),  # JSON: the numbers of the fields, in order
    Column("request_trailers", Text),
    Column("request_body", Integer, ForeignKey("bodies.id")),
    Column("status", Integer),
    Column("reason", Text),
    Column("response_http_version", Text),
    Column("response_headers", Text),
    Column("response_trailers", Text),
    Column("response_body", Integer, ForeignKey("bodies.id")),
    Column("started_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("answering_at", Float),
    Column("answered_at", Float),
    Column("credential", Text),  # pseudonym of the token that was presented, if one was
    Column("exact_key", LargeBinary(8)),  # tier 1 of matching
    Column("telling_key", LargeBinary(8)),  # tier 2, less the identity
    Column("path", Integer, ForeignKey("paths.id")),  # tier 3
    Column("meaning", BigInteger),  # tier 3: of query and body, but for the window of a list
    Column("window", BigInteger),  # where that window begins
    Column("body_digest", LargeBinary(32)),  # of the request's canonical body; NULL if there is none
    Index("exchanges_by_exact_key", "exact_key"),
    Index("exchanges_by_telling_key", "telling_key"),
    Index("exchanges_by_path", "path"),
    Index("exchanges_by_meaning", "path", "meaning", "window"),
)
Index(
    "exchanges_writing",  # those that changed something, by time
    exchanges.c.started_at,
    sqlite_where=exchanges.c.method.not_in(SAFE) & exchanges.c.status.between(200, 299),
)
Index(
    "exchanges_open",
    exchanges.c.state,
    sqlite_where=exchanges.c.state == "open",
)

messages = Table(
    "messages",
    metadata,
    Column("exchange_id", Integer, ForeignKey("exchanges.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("from_client", Integer, nullable=False),
    Column("is_text", Integer, nullable=False),
    Column("content", BLOB, nullable=False),
    sqlite_with_rowid=True,  # else SQLite puts what has more than a quarter of a page into pages of its own
)

closings = Table(
    "closings",
    metadata,
    Column("exchange_id", Integer, ForeignKey("exchanges.id", ondelete="CASCADE"), primary_key=True),
    Column("at", Float, nullable=False),
    Column("from_client", Integer, nullable=False),
    Column("code", Integer, nullable=False),
    Column("reason", Text, nullable=False),
)

pseudonyms = Table("pseudonyms", metadata, Column("text", Text, primary_key=True), sqlite_with_rowid=False)

tokens = Table(  # that were presented
    "tokens",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("refused", Integer, nullable=False),  # 1: with 401, at least once
    Column("passed", Integer, nullable=False),  # 1: answered although a rate limit was over, at least once
    sqlite_with_rowid=False,
)

Index("tokens_passed", tokens.c.pseudonym, sqlite_where=tokens.c.passed == 1)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text),
    Column("email", Text),
    sqlite_with_rowid=False,
)

credentials = Table(
    "credentials",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # access, refresh, file, feed
    Column("user", Text, nullable=False),
    sqlite_with_rowid=False,
)
USER_OF = select(credentials.c.user).where(credentials.c.pseudonym == bindparam("pseudonym"))  # whose a token is

resources = Table(
    "resources",
    metadata,
    Column("kind", Text, primary_key=True),  # video, playlist
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("uuid", Text, nullable=False),
    Index("resources_by_uuid", "uuid"),
    sqlite_with_rowid=False,
)

mentions = Table(  # by what an exchange is found that tells of something
    "mentions",
    metadata,
    Column("name", BigInteger, primary_key=True, autoincrement=False),  # of what it tells
    Column("shape", Integer, primary_key=True, autoincrement=False),  # which members of it
    Column("at", Integer, primary_key=True, autoincrement=False),  # when it was answered
    Column("exchange", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

for _table in metadata.tables.values():  # made in the order of a set otherwise, so that no two files would be alike
    _table.indexes = OrderedSet(sorted(_table.indexes, key=lambda index: str(index.name)))

# For people: header fields as rows.
_HEADERS = """
CREATE {view} headers (exchange_id, part, position, name, value) AS
WITH lists (exchange_id, part, list) AS (
SELECT id, 'request', request_headers FROM exchanges
UNION ALL SELECT id, 'request trailer', request_trailers FROM exchanges
UNION ALL SELECT id, 'response', response_headers FROM exchanges
UNION ALL SELECT id, 'response trailer', response_trailers FROM exchanges)
SELECT exchange_id, part, {position}, fields.name, fields.value FROM lists, {items} JOIN fields ON fields.id = {number}
"""
_SPELLED = {
    "sqlite": {
        "view": "VIEW IF NOT EXISTS",
        "items": "json_each(list) AS item",
        "position": "item.key",
        "number": "item.value",
    },
    "postgresql": {
        "view": "OR REPLACE VIEW",
        "items": "LATERAL json_array_elements_text(list::json) WITH ORDINALITY AS item (number, at)",
        "position": "item.at - 1",
        "number": "item.number::bigint",
    },
}


def with_views(tables: MetaData) -> None:
    """Whoever creates them creates what people look at as well."""
    for dialect, words in _SPELLED.items():
        view = DDL(_HEADERS.format(**words).strip())  # type: ignore[no-untyped-call]
        event.listen(tables, "after_create", view.execute_if(dialect=dialect))


with_views(metadata)


def pseudonym_text(text: str) -> str:
    """As the column takes it: octets that are no UTF-8, and lone surrogates, are spelled as latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text
