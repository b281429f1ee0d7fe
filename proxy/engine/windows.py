"""Another window of a recorded list: `start=5&count=10` out of pages that were asked otherwise.

Elements are cut out of the recorded text and never spelled anew, so that they keep every octet that the instance sent
(numbers, escapes, order of members). Lists of PeerTube are `{"total":N,"data":[...]}`, a few with further members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.etags import express_etag
from peertape.proxy.engine.model import Answer, Source

MAX_COUNT = 100  # PeerTube answers 400 to more

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Page:
    """One recorded page: what was asked, and the answer's text."""

    start: int
    count: int
    body: bytes


@dataclass(frozen=True, slots=True)
class DerivedPage:
    body: bytes
    used: tuple[int, ...]  # positions of the pages that it was taken from, the newest last

    @property
    def newest(self) -> int:
        """The page that decided the total and gives the headers."""
        return self.used[-1]


def window(target_start: int, target_count: int, pages: Sequence[Page]) -> DerivedPage | None:
    """The list from `target_start` on, out of `pages` (oldest first); None if they do not cover it.

    The newest page decides the total, and older ones that contradict a newer one are left out as a whole. Two pages
    contradict each other if they name different elements at one position, or one element at two positions: an element
    is known by its `id`, so that a counter of views which went on meanwhile is no contradiction.
    """
    if target_start < 0 or not 1 <= target_count <= MAX_COUNT:
        return None
    listings = [(at, listing) for at, page in enumerate(pages) if (listing := _parse(page))]
    if not listings:
        return None
    newest_at, newest = listings[-1]
    stop = min(target_start + target_count, newest.total)
    elements, sources = _agreed(listings)
    wanted = range(target_start, stop)
    if any(position not in elements for position in wanted):
        return None
    data = ",".join(elements[position] for position in wanted)
    members = (f"{name}:[{data}]" if text is None else f"{name}:{text}" for name, text in newest.members)
    used = {sources[position] for position in wanted} | {newest_at}
    return DerivedPage(f"{{{','.join(members)}}}".encode(), tuple(sorted(used)))


def window_answer(target_start: int, target_count: int, pages: Sequence[tuple[Page, Answer]]) -> Answer | None:
    """The answer with that window: the headers of the newest page that it was taken from, length and ETag anew."""
    derived = window(target_start, target_count, [page for page, _ in pages])
    if derived is None:
        return None
    newest = pages[derived.newest][1]
    headers = newest.headers.replaced("Content-Length", str(len(derived.body)))
    if "etag" in headers:
        headers = headers.replaced("ETag", express_etag(derived.body))
    remark = (*newest.remark, ("derived", "window"))
    return replace(newest, headers=headers, body=BytesBody(derived.body), source=Source.DERIVED, remark=remark)


@dataclass(frozen=True, slots=True)
class _Listing:
    start: int
    total: int
    members: tuple[tuple[str, str | None], ...]  # raw name and raw value; None stands for the data
    elements: tuple[str, ...]
    identities: tuple[str, ...]


def _agreed(listings: Sequence[tuple[int, _Listing]]) -> tuple[dict[int, str], dict[int, int]]:
    """The elements by position, and the page that each is from, of all listings that agree with the newer ones."""
    elements: dict[int, str] = {}
    sources: dict[int, int] = {}
    identity_at: dict[int, str] = {}
    position_of: dict[str, int] = {}
    total = listings[-1][1].total
    for at, listing in reversed(listings):
        placed = list(enumerate(listing.identities, listing.start))
        if listing.total != total or any(
            identity_at.get(position, identity) != identity or position_of.get(identity, position) != position
            for position, identity in placed
        ):
            continue
        for (position, identity), element in zip(placed, listing.elements, strict=True):
            if position not in elements:
                elements[position], sources[position] = element, at
                identity_at[position], position_of[identity] = identity, position
    return elements, sources


def _parse(page: Page) -> _Listing | None:
    """The page's parts as text; None if it is no list, or not the one that was asked (some ignore start and count)."""
    try:
        members, values, elements = _cut(page.body.decode("utf-8"))
    except (ValueError, IndexError, RecursionError):
        return None
    total, texts = values.get("total"), [text for text, _ in elements]
    if not isinstance(total, int) or isinstance(total, bool) or all(text is not None for _, text in members):
        return None
    if page.start < 0 or len(elements) != max(0, min(page.count, total - page.start)):
        return None
    identities = [_identity(text, value) for text, value in elements]
    if len(set(identities)) != len(identities):
        identities = texts
    return _Listing(page.start, total, tuple(members), tuple(texts), tuple(identities))


def _identity(text: str, value: object) -> str:
    known = value.get("id") if isinstance(value, dict) else None
    return f"id {known!r}" if isinstance(known, int | str) else text


_Members = list[tuple[str, str | None]]
_Elements = list[tuple[str, object]]


def _cut(text: str) -> tuple[_Members, dict[str, object], _Elements]:
    """The raw members of an object, their values, and the raw elements of its member `data`."""
    members: _Members = []
    values: dict[str, object] = {}
    elements: _Elements = []
    at = _expect(text, _skip(text, 0), "{")
    while True:
        name, end = _DECODER.raw_decode(text, at)
        raw_name = text[at:end]
        at = _skip(text, _expect(text, _skip(text, end), ":"))
        if name == "data" and text[at] == "[":
            at = _cut_array(text, at, elements)
            members.append((raw_name, None))
        else:
            values[name], end = _DECODER.raw_decode(text, at)
            members.append((raw_name, text[at:end]))
            at = end
        at = _skip(text, at)
        if text[at] == "}":
            break
        at = _skip(text, _expect(text, at, ","))
    if _skip(text, at + 1) != len(text):
        raise ValueError("something follows the object")
    return members, values, elements


def _cut_array(text: str, at: int, elements: _Elements) -> int:
    at = _skip(text, _expect(text, at, "["))
    if text[at] == "]":
        return at + 1
    while True:
        value, end = _DECODER.raw_decode(text, at)
        elements.append((text[at:end], value))
        at = _skip(text, end)
        if text[at] == "]":
            return at + 1
        at = _skip(text, _expect(text, at, ","))


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, what: str) -> int:
    if text[at] != what:
        raise ValueError(f"{what} expected at {at}")
    return at + 1
