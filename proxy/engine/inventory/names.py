"""What a user calls a video, a playlist, a channel or an account; and which of them it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from peertape.cassettes.paths import UUID_TEXT, uuid_of
from peertape.proxy.engine.inventory import groups, video
from peertape.proxy.engine.inventory.documents import api
from peertape.proxy.engine.inventory.needs import Held, Walk, What
from peertape.proxy.engine.inventory.places import Home, origin_of


class Kind(StrEnum):
    VIDEO = "video"
    PLAYLIST = "playlist"
    CHANNEL = "channel"
    ACCOUNT = "account"


class UnknownNameError(ValueError):
    """A name that means nothing here; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Root:
    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Called:
    """What a name may mean, the likeliest first."""

    text: str
    meanings: tuple[Root, ...]


_VIDEO_NAME = re.compile(r"[0-9]{1,15}")
_HANDLE = re.compile(r"[^\s/?#@:]+(@[^\s/?#@]+)?")
_PATHS: Sequence[tuple[re.Pattern[str], Kind]] = [
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"/w/p/([^/]+)", Kind.PLAYLIST),
        (r"/videos/watch/playlist/([^/]+)", Kind.PLAYLIST),
        (r"/video-playlists/(?:embed/)?([^/]+)", Kind.PLAYLIST),
        (r"/api/v1/video-playlists/([^/]+)(?:/.*)?", Kind.PLAYLIST),
        (r"/w/([^/]+)", Kind.VIDEO),
        (r"/videos/(?:watch|embed)/([^/]+)(?:/.*)?", Kind.VIDEO),
        (r"/api/v1/videos/([^/]+)(?:/.*)?", Kind.VIDEO),
        (r"/c/([^/]+)(?:/.*)?", Kind.CHANNEL),
        (r"/video-channels/([^/]+)(?:/.*)?", Kind.CHANNEL),
        (r"/api/v1/video-channels/([^/]+)(?:/.*)?", Kind.CHANNEL),
        (r"/a/([^/]+)(?:/.*)?", Kind.ACCOUNT),
        (r"/accounts/([^/]+)(?:/.*)?", Kind.ACCOUNT),
        (r"/api/v1/accounts/([^/]+)(?:/.*)?", Kind.ACCOUNT),
    )
]
_EXAMPLES = "a UUID, a short UUID, a number, name, name@host, or an address such as {home}/w/…"


def called(text: str, home: Home) -> Called:
    """Raises UnknownNameError. An address says itself what it is; of any other name the instance is asked."""
    text = text.strip()
    if "://" in text:
        return Called(text, (_of_address(text, home),))
    if text.startswith("/"):
        return Called(text, (_of_path(text, text, home),))
    if UUID_TEXT.fullmatch(text) or _VIDEO_NAME.fullmatch(text):
        return Called(text, (Root(Kind.VIDEO, text), Root(Kind.PLAYLIST, text)))
    handles = (Root(Kind.CHANNEL, text.removeprefix("@")), Root(Kind.ACCOUNT, text.removeprefix("@")))
    if uuid_of(text):
        return Called(text, (Root(Kind.VIDEO, text), Root(Kind.PLAYLIST, text), *handles))
    if _HANDLE.fullmatch(text.removeprefix("@")):
        return Called(text, handles)
    raise UnknownNameError(f"{text!r} is no name of a video, playlist, channel or account: write {_examples(home)}.")


def meant(name: Called) -> Walk[tuple[Root | None, Held]]:
    """Which of the meanings there is, and the answer that said so; the first that is not simply unknown counts."""
    held = Held()
    for root in name.meanings:
        held = yield from _look(root)
        if held.status not in (400, 404):
            return root, held
    return None, held


def _look(root: Root) -> Walk[Held]:
    spelled = quote(root.name, safe="@")
    match root.kind:
        case Kind.VIDEO:
            held, _ = yield from video.details(root.name)
            return held
        case Kind.PLAYLIST:
            return (yield api(What.LIST, f"{groups.PLAYLISTS}/{spelled}"))
        case Kind.CHANNEL:
            return (yield api(What.AUTHORS, f"{groups.CHANNELS}/{spelled}"))
        case Kind.ACCOUNT:
            return (yield api(What.AUTHORS, f"{groups.ACCOUNTS}/{spelled}"))


def _of_address(text: str, home: Home) -> Root:
    origin = origin_of(text)
    if origin is None:
        raise UnknownNameError(f"{text!r} is no address.")
    if origin not in home.origins:
        known = " or ".join(sorted(home.origins))
        raise UnknownNameError(
            f"{text} is not on {known}; what is of another instance has a name@host or a UUID there."
        )
    return _of_path(urlsplit(text).path, text, home)


def _of_path(path: str, text: str, home: Home) -> Root:
    path = re.sub(r"/+", "/", path.partition("?")[0]).rstrip("/")
    for expression, kind in _PATHS:
        if found := expression.fullmatch(path):
            return Root(kind, unquote(found[1]))
    raise UnknownNameError(f"{text} is no page of a video, playlist, channel or account: write {_examples(home)}.")


def _examples(home: Home) -> str:
    return _EXAMPLES.format(home=min(home.origins, default="https://peertube.example"))
