"""What playlists, channels, accounts and the instance itself need; and the videos that are in them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from peertape.proxy.engine.inventory.documents import api, document, pages
from peertape.proxy.engine.inventory.needs import Need, Walk, What
from peertape.proxy.engine.inventory.places import Place
from peertape.proxy.engine.inventory.scope import Scope

PLAYLISTS = "/api/v1/video-playlists"
CHANNELS = "/api/v1/video-channels"
ACCOUNTS = "/api/v1/accounts"

# What clients ask when they start.
_OF_INSTANCE = (
    "/api/v1/config",
    "/api/v1/config/about",
    "/api/v1/oauth-clients/local",
    "/api/v1/videos/categories",
    "/api/v1/videos/licences",
    "/api/v1/videos/languages",
    "/api/v1/videos/privacies",
    "/api/v1/video-playlists/privacies",
)
_FILES_OF_INSTANCE = ("/plugins/global.css", "/plugins/translations/en-US.json")

Names = tuple[str, ...]  # of videos: their UUIDs


def instance() -> Walk[None]:
    for target in _OF_INSTANCE:
        yield from document(api(What.INSTANCE, target))
    for target in _FILES_OF_INSTANCE:
        yield Need(What.INSTANCE, Place(target))


def playlist(name: str) -> Walk[Names]:
    at = f"{PLAYLISTS}/{quote(name, safe='')}"
    yield from document(api(What.LIST, at))
    found = yield from pages(What.LIST, f"{at}/videos")
    return _uuids(element.get("video") for element in found)


def channel(handle: str, scope: Scope) -> Walk[Names]:
    at = f"{CHANNELS}/{quote(handle, safe='@')}"
    yield from document(api(What.AUTHORS, at))
    return (yield from _videos_and_playlists(at, scope))


def account(handle: str, scope: Scope) -> Walk[Names]:
    at = f"{ACCOUNTS}/{quote(handle, safe='@')}"
    yield from document(api(What.AUTHORS, at))
    yield from pages(What.LIST, f"{at}/video-channels")
    return (yield from _videos_and_playlists(at, scope))


def _videos_and_playlists(at: str, scope: Scope) -> Walk[Names]:
    found = yield from pages(What.LIST, f"{at}/videos?sort=-publishedAt", scope.latest)
    yield from pages(What.LIST, f"{at}/videos", scope.latest)
    lists = yield from pages(What.LIST, f"{at}/video-playlists")
    for one in lists:
        if isinstance(uuid := one.get("uuid"), str):
            yield from playlist(uuid)
    return _uuids(found)


def _uuids(videos: Any) -> Names:
    """Elements of a playlist may have no video any more."""
    uuids = [video.get("uuid") for video in videos if isinstance(video, dict)]
    return tuple(dict.fromkeys(uuid for uuid in uuids if isinstance(uuid, str)))
