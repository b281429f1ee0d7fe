"""Needs that recur: documents of the API, lists with all their pages, and the pictures that they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from peertape.config import facts
from peertape.proxy.engine.inventory.needs import Held, Need, Walk, What
from peertape.proxy.engine.inventory.places import Place

MOST_PAGES = 1000
MOST_PICTURES = 2000  # of one document
_PICTURES = "/lazy-static/"
_NO_PICTURES = ("/lazy-static/torrents/", "/lazy-static/video-captions/")

Values = list[dict[str, Any]]


def api(what: What, target: str, *, is_needed: bool = False, is_read: bool = True, password: bool = False) -> Need:
    return Need(what, Place(target), is_needed=is_needed, is_read=is_read, bearer=True, password=password)


def document(need: Need) -> Walk[dict[str, Any]]:
    """What it says, and its pictures with it; nothing, if it is not there."""
    held = yield need
    value = held.members()
    yield from pictures(value)
    return value


def pages(what: What, target: str, latest: int | None = None, *, password: bool = False) -> Walk[Values]:
    """The elements of a list, or the first `latest` of them: as many at once as PeerTube gives.

    Other windows of a list are derived from these.
    """
    most = facts.load().largest_count
    found: Values = []
    for _ in range(MOST_PAGES):
        count = most if latest is None else min(most, latest - len(found))
        window = f"{'&' if '?' in target else '?'}start={len(found)}&count={count}"
        held = yield api(what, target + window, password=password)
        page = elements(held)
        yield from pictures(held.value())
        found += page
        total = held.members().get("total")
        if not page or not isinstance(total, int) or len(found) >= min(total, latest or total):
            break
    return found


def elements(held: Held) -> Values:
    data = held.members().get("data")
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def pictures(value: Any) -> Walk[None]:
    """Thumbnails, previews, avatars and banners that a document names."""
    for number, path in enumerate(dict.fromkeys(_pictures(value))):
        if number < MOST_PICTURES:
            yield Need(What.PICTURES, Place(path))


def _pictures(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _pictures(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(member, str):
                yield from _pictures(member)
            elif name.lower().endswith("path") and is_picture(member):
                yield member


def is_picture(path: str) -> bool:
    plain = path.isascii() and all(character > " " for character in path)
    return plain and path.startswith(_PICTURES) and not path.startswith(_NO_PICTURES)
