"""The language of the tracker's socket: what its messages mean, and what a tracker says that knows of no other peers.

Source: websocket.mitm, and bittorrent-tracker's protocol, whose texts hold each octet of a hash as one character.
Whether a torrent is the instance's cannot be told here: browsers hash addresses, which a replay changes. So every
torrent counts as one of it, unless it was recorded as refused.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

from peertape.config.sockets import Tracker
from peertape.proxy.engine.sockets.model import Content
from peertape.proxy.engine.twin.jsonfaults import fault

HASH_LENGTH = 20
UNKNOWN = "Unknown infoHash"


def tell(content: Content) -> tuple[Hashable, Hashable]:
    """Meaning and subject: not who the peer is, nor what it offers, nor how much it has."""
    value = _parsed(content)
    if value is None:
        return content, None
    action, torrent = value.get("action"), value.get("info_hash")
    torrent = tuple(torrent) if isinstance(torrent, list) and all(isinstance(t, str) for t in torrent) else torrent
    if not isinstance(action, str) or not isinstance(torrent, str | tuple):
        return json.dumps(value, sort_keys=True), None
    subject = (action, torrent)
    return (subject, value.get("event") or None, bool(value.get("answer"))), subject


def without_event(content: Content) -> Hashable:
    """The meaning of an announce that tells no event: what is answered is much the same."""
    value = _parsed(content)
    return None if value is None else tell(json.dumps({**value, "event": None}))[0]


def with_event(content: Content, event: str) -> Hashable:
    value = _parsed(content)
    return None if value is None else tell(json.dumps({**value, "event": event}))[0]


def is_farewell(content: Content) -> bool:
    value = _parsed(content)
    return value is not None and value.get("event") == "stopped"


def is_refusal(content: Content) -> bool:
    """Whether the tracker does not know the torrent, and keeps the client out from now on."""
    value = _parsed(content)
    return value is not None and str(value.get("failure reason", "")).startswith(UNKNOWN)


def answer(content: Content, facts: Tracker) -> str | None:
    """What a tracker says that knows of no other peers; None if it says nothing."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        return _written({"failure reason": fault(text) or "invalid"})
    if not isinstance(value, dict):
        return _written({"failure reason": "invalid action in WS request: undefined"})
    action = value.get("action")
    if action == "announce":
        return _announced(value, facts)
    if action == "scrape":
        return _scraped(value, facts)
    named = action if isinstance(action, str) else "undefined" if action is None else json.dumps(action)
    return _written({"failure reason": f"invalid action in WS request: {named}"})


def _announced(value: dict[str, Any], facts: Tracker) -> str | None:
    demanded = ["info_hash", "peer_id"]
    if missing := next((name for name in demanded if not _is_hash(value.get(name))), None):
        return _written({"failure reason": f"invalid {missing}"})
    if value.get("answer"):
        wrong = not _is_hash(value.get("to_peer_id"))
        return _written({"failure reason": "invalid `to_peer_id` (required with `answer`)"}) if wrong else None
    has_all = value.get("left") in (0, "0")
    is_there = value.get("event") != "stopped"
    return _written(
        {
            "complete": int(has_all and is_there),
            "incomplete": int(not has_all and is_there),
            "action": "announce",
            "interval": facts.interval,
            "info_hash": value["info_hash"],
        }
    )


def _scraped(value: dict[str, Any], facts: Tracker) -> str:
    asked = value.get("info_hash")
    torrents = asked if isinstance(asked, list) else [asked] if asked is not None else []
    if not all(map(_is_hash, torrents)):
        return _written({"failure reason": "invalid info_hash"})
    nobody = {"complete": 0, "incomplete": 0, "downloaded": 0}
    flags = {"min_request_interval": facts.scrape_interval}
    return _written({"action": "scrape", "files": dict.fromkeys(torrents, nobody), "flags": flags})


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == HASH_LENGTH


def _written(value: dict[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _parsed(content: Content) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
