"""The tables of a cassette; `docs/cassette-format.md` explains each column.

Text that the wire carries as octets (targets, headers) is stored as latin-1 text, so that `sqlite3` and Datasette
show it readable and nothing is lost.
"""

from __future__ import annotations

from sqlalchemy import (
    BLOB,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

APPLICATION_ID = 0x70746170  # "ptap": SQLite's application_id, by which a cassette is told from other databases
VERSION = 2  # SQLite's user_version; raised by a migration

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
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
    Column("request_body", Integer, ForeignKey("bodies.id")),
    Column("status", Integer),
    Column("reason", Text),
    Column("response_http_version", Text),
    Column("response_body", Integer, ForeignKey("bodies.id")),
    Column("started_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("answering_at", Float),
    Column("answered_at", Float),
    Column("credential", Text),  # pseudonym of the token that was presented, if one was
    Column("exact_key", LargeBinary(16)),  # tier 1 of matching
    Column("telling_key", LargeBinary(16)),  # tier 2, less the identity
    Column("folded_path", Text),  # tier 3: the path without its odd spellings
    Column("body_digest", LargeBinary(32)),  # of the request's canonical body
    Index("exchanges_by_exact_key", "exact_key"),
    Index("exchanges_by_telling_key", "telling_key"),
    Index("exchanges_by_folded_path", "folded_path"),
)

headers = Table(
    "headers",
    metadata,
    Column("exchange_id", Integer, ForeignKey("exchanges.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "part",
        Text,
        CheckConstraint("part IN ('request', 'response', 'request trailer', 'response trailer')"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
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

pseudonyms = Table("pseudonyms", metadata, Column("text", Text, primary_key=True))

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text),
    Column("email", Text),
)

credentials = Table(
    "credentials",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # access, refresh, file, feed
    Column("user", Text, nullable=False),
    Index("credentials_by_user", "user"),
)

resources = Table(
    "resources",
    metadata,
    Column("kind", Text, nullable=False),  # video, playlist
    Column("uuid", Text, nullable=False),
    Column("number", Integer, nullable=False),
    UniqueConstraint("kind", "number"),
    Index("resources_by_uuid", "uuid"),
)


def pseudonym_text(text: str) -> str:
    """As the column takes it: octets that are no UTF-8, and lone surrogates, are spelled as latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text
