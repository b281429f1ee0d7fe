"""Links to files in what an instance answers: found by where they stand, never by where they lead.

What stands elsewhere names a page or a thing (`url` of a video, an account's id), or was written by some user.
Observed in 6.3 (a remote video's files, playlists and trackers are links to its own instance), and in HLS (RFC 8216).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from peertape.cassettes.paths import fold
from peertape.config import facts

FEEDS = "/feeds/"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SEVERAL = rb"\[\s*" + _STRING.pattern + rb"(?:\s*,\s*" + _STRING.pattern + rb")*\s*\]"
_MEMBER_VALUE = re.compile(rb"\s*:\s*(" + _STRING.pattern + rb"|" + _SEVERAL + rb")")
_TAG_TO_ATTRIBUTE = r"""\b(?:[^<>"']|"[^"<]*"|'[^'<]*')*?\s"""
_UNREAD = re.compile(rb"<!\[CDATA\[|<!--")  # what users wrote, and remarks
_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_LINE = re.compile(rb"[^\r\n]+")
_QUOTED_ATTRIBUTE = re.compile(rb'(?:([A-Z0-9-]+)=)?"([^"]*)"')
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class FileLink:
    """The octets [start, stop) of a text, and what they say; `spell` writes another link so that it can stand there."""

    start: int
    stop: int
    reference: str
    spell: Callable[[str], str]


def file_links(text: bytes, media_type: str, path: str, *, of_instance: bool = True) -> Iterator[FileLink]:
    """In order. Of another host's answers only playlists are looked into: no more is asked there than files."""
    if is_playlist(media_type):
        yield from _in_playlist(text)
    elif of_instance and media_type.endswith("json") and names_in_json(path):
        yield from _in_json(text)
    elif of_instance and media_type.endswith("xml") and fold(path).startswith(FEEDS):
        yield from _in_feed(text)


def redirects_to_file(status: int, method: str, path: str, *, of_instance: bool = True) -> bool:
    """Whether the answer's Location leads to a file. Where nothing but files is asked for, each does."""
    if status not in _REDIRECTS:
        return False
    method = "GET" if method == "HEAD" else method
    return not of_instance or any(known.matches(method, fold(path)) for known in facts.redirecting_to_files())


def is_playlist(media_type: str) -> bool:
    return "mpegurl" in media_type


def names_in_json(path: str) -> bool:
    folded = fold(path) + "/"
    return any(folded.startswith(f"{known}/") for known in facts.load().naming_paths)


def _in_json(text: bytes) -> Iterator[FileLink]:
    """A quoted name before a colon can be nothing but a member's: within a string its quotes are escaped."""
    for at in sorted(_ends_of_names(text)):
        value = _MEMBER_VALUE.match(text, at)
        for found in _STRING.finditer(text, *value.span(1)) if value else ():
            reference = _json_read(found[0])
            if reference is not None:
                yield FileLink(found.start() + 1, found.end() - 1, reference, _json_spelled)


def _json_read(quoted: bytes) -> str | None:
    """A JSON string; None of what is none, or no UTF-8. Most are plain text, which needs no parser."""
    if b"\\" not in quoted and quoted.isascii() and (plain := quoted[1:-1].decode()).isprintable():
        return plain
    try:
        return str(json.loads(quoted))
    except ValueError:
        return None


def _ends_of_names(text: bytes) -> Iterator[int]:
    for name in _names():
        at = text.find(name)
        while at >= 0:
            yield at + len(name)
            at = text.find(name, at + len(name))


def _in_playlist(text: bytes) -> Iterator[FileLink]:
    """Of segments and variants a line each; of keys, maps and renditions an attribute."""
    for line in _LINE.finditer(text):
        if not line[0].startswith(b"#"):
            yield _plain(text, *line.span())
        elif line[0].startswith(b"#EXT"):
            for found in _QUOTED_ATTRIBUTE.finditer(text, *line.span()):
                if (found[1] or b"").endswith(b"URI"):
                    yield _plain(text, *found.span(2))


def _plain(text: bytes, start: int, stop: int) -> FileLink:
    return FileLink(start, stop, text[start:stop].decode("utf-8", "replace").strip(), _as_it_is)


def _in_feed(text: bytes) -> Iterator[FileLink]:
    for found in _feed_positions().finditer(_without_unread(text)):
        group = found.lastindex or 0
        yield FileLink(*found.span(group), html.unescape(found[group].decode("utf-8", "replace")), _xml_spelled)


def _without_unread(text: bytes) -> bytes:
    """As long as `text`, with blanks for what is no markup."""
    out: list[bytes] = []
    done = 0
    while begin := _UNREAD.search(text, done):
        end = text.find(_ENDS[begin[0]], begin.end())
        stop = len(text) if end < 0 else end + len(_ENDS[begin[0]])
        out += (text[done : begin.start()], b" " * (stop - begin.start()))
        done = stop
    return b"".join((*out, text[done:])) if out else text


@cache
def _names() -> tuple[bytes, ...]:
    return tuple(f'"{name}"'.encode() for name in facts.load().naming_members)


@cache
def _feed_positions() -> re.Pattern[bytes]:
    """Attributes, and the text of `url`, which is an image's (RSS 2.0)."""
    attributes = [
        rf"<{re.escape(element)}{_TAG_TO_ATTRIBUTE}{attribute}\s*=\s*\"([^\"<]*)\""
        for element, attribute in facts.load().naming_attributes.items()
    ]
    return re.compile("|".join([*attributes, r"<url>([^<]*)</url>"]).encode())


def _json_spelled(link: str) -> str:
    return json.dumps(link)[1:-1]


def _xml_spelled(link: str) -> str:
    return html.escape(link, quote=False).replace('"', "&quot;")


def _as_it_is(link: str) -> str:
    return link
