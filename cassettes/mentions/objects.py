"""The objects in an answer that have a name or a number of their own: videos, accounts, comments, tokens."""

from __future__ import annotations

from typing import Any

NAMING = ("uuid", "host", "username", "threadId", "startTimestamp", "access_token", "token", "feedToken")
HELD = frozenset(  # also with nothing but their numbers
    ("account", "videoChannel", "user", "videoPlaylistElement", "specialPlaylists")
)
_UNNAMED = frozenset(  # members in which there are none
    ("files", "streamingPlaylists", "avatars", "banners", "tags", "category", "licence", "language", "privacy", "state")
)

type Held = tuple[str, dict[str, Any]]  # an object, and the member that holds it, be it in a list


def objects_in(value: Any) -> list[Held]:
    """Of a JSON value, those further up first. Each answer goes through here: it visits as little as it can."""
    found: list[Held] = []
    upcoming = [("", value)]
    for holder, item in upcoming:  # it grows meanwhile
        if type(item) is list:
            upcoming += [(holder, below) for below in item if type(below) is dict or type(below) is list]
            continue
        if type(item) is not dict:
            continue
        if holder in HELD:
            found.append((holder, item))
        else:
            for name in NAMING:
                if name in item:
                    found.append((holder, item))
                    break
        for name, member in item.items():
            kind = type(member)
            if (kind is dict or kind is list) and name not in _UNNAMED:
                upcoming.append((name, member))
    return found
