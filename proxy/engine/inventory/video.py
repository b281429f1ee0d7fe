"""What a video needs: the requests of PeerTube's own client, of its embedded player, and of apps.

Which they are is observed in media-playback.mitm and anonymous-browse.mitm, and read from PeerTube 6.3's client (facts
only).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from peertape.proxy.engine.inventory.documents import Values, api, document, elements, pages, pictures
from peertape.proxy.engine.inventory.media import Files, Film, streaming
from peertape.proxy.engine.inventory.needs import Held, Need, Walk, What
from peertape.proxy.engine.inventory.places import Home, Place
from peertape.proxy.engine.inventory.renditions import Rendition
from peertape.proxy.engine.inventory.scope import Scope

VIDEOS = "/api/v1/videos"
PASSWORD_PROTECTED = 5  # privacy.id of PeerTube
_GUARDED = frozenset({3, 4, PASSWORD_PROTECTED})  # private, internal: files only with a token
_LOCKED = b"video_requires_password"  # code of PeerTube's error document
_NO_COMMENTS = 2  # commentsPolicy.id
_RELATED = "nsfw=false&start=0&count=5&searchTarget=local&sort=-publishedAt"


@dataclass(frozen=True, slots=True)
class Outline:
    """What a walk over a video found. `sounds`: the renditions of sound alone that the others of HLS go with."""

    uuid: str
    title: str
    duration: float
    is_live: bool
    renditions: tuple[Rendition, ...]
    chosen: frozenset[Rendition]
    sounds: frozenset[Rendition]


def is_locked(held: Held) -> bool:
    """Whether the video wants its password."""
    return held.status == 403 and _LOCKED in held.text


def details(name: str) -> Walk[tuple[Held, bool]]:
    """The video's own document, and whether it wants the password."""
    need = api(What.DETAILS, f"{VIDEOS}/{quote(name, safe='')}", is_needed=True)
    held = yield need
    if is_locked(held):
        return (yield replace(need, password=True)), True
    return held, False


def video(name: str, home: Home, scope: Scope) -> Walk[Outline | None]:
    """None if its details are not to be had."""
    held, locked = yield from details(name)
    told = held.members()
    uuid = told.get("uuid")
    if not isinstance(uuid, str):
        return None
    if told.get("isLocal") is True:
        home = home.and_of(told.get("url"))
    at = f"{VIDEOS}/{quote(uuid, safe='')}"
    guarded = _id(told.get("privacy")) in _GUARDED
    token = (yield from _token(at, locked)) if guarded else None
    files = Files(home, guarded, locked, token)
    yield from pictures(told)
    yield from _captions(at, files, locked)
    yield from _player(at, told, locked)
    film = Film(files, scope)
    yield from film.walk(told)
    for earlier in _lives_before(held, told):
        yield from film.walk_live(earlier)
    if scope.comments and _id(told.get("commentsPolicy")) != _NO_COMMENTS and told.get("commentsEnabled") is not False:
        yield from _comments(at, locked)
    yield from _around(told, home)
    title = told.get("name")
    duration = told.get("duration")
    return Outline(
        uuid,
        title if isinstance(title, str) else uuid,
        float(duration) if isinstance(duration, int | float) else 0.0,
        told.get("isLive") is True,
        film.renditions,
        film.chosen,
        film.sounds,
    )


def _token(at: str, locked: bool) -> Walk[str | None]:
    """What players put into the addresses of files, since a `<video>` element sends no headers."""
    held = yield replace(api(What.TOKEN, f"{at}/token", password=locked), method="POST")
    files = held.members().get("files")
    token = files.get("token") if isinstance(files, dict) else None
    return token if isinstance(token, str) else None


def _lives_before(held: Held, told: dict[str, Any]) -> list[dict[str, Any]]:
    """The HLS of lives under that name which had ended when the details were recorded last, the newest first."""
    seen = {_link(one) for one in streaming(told)}
    found = []
    for text in reversed(held.earlier):
        former = replace(held, text=text).members()
        for one in streaming(former) if former.get("isLive") is True else ():
            if (link := _link(one)) not in seen:
                seen.add(link)
                found.append(one)
    return found


def _link(playlist: dict[str, Any]) -> str:
    return str(playlist.get("playlistUrl"))


def _captions(at: str, files: Files, locked: bool) -> Walk[None]:
    held = yield api(What.CAPTIONS, f"{at}/captions", password=locked)
    for caption in elements(held):
        link = caption.get("captionPath") or caption.get("fileUrl")
        if isinstance(link, str) and (place := files.home.place(link)):
            yield Need(What.CAPTIONS, place)


def _player(at: str, told: dict[str, Any], locked: bool) -> Walk[None]:
    yield api(What.CHAPTERS, f"{at}/chapters", is_read=False, password=locked)
    boards = yield api(What.STORYBOARDS, f"{at}/storyboards", password=locked)
    for board in (boards.members().get("storyboards") or []) if boards.is_answered else []:
        path = board.get("storyboardPath") if isinstance(board, dict) else None
        if isinstance(path, str) and path.startswith("/"):
            yield Need(What.STORYBOARDS, Place(path))
    yield api(What.DESCRIPTION, f"{at}/description", is_read=False, password=locked)
    if told.get("isLive") is True:
        yield api(What.LIVE, at.replace(VIDEOS, f"{VIDEOS}/live", 1), is_read=False, password=locked)


def _comments(at: str, locked: bool) -> Walk[None]:
    threads: Values = yield from pages(What.COMMENTS, f"{at}/comment-threads?sort=-createdAt", password=locked)
    yield from pages(What.COMMENTS, f"{at}/comment-threads", password=locked)
    if len(threads) > 1:
        yield from pages(What.COMMENTS, f"{at}/comment-threads?sort=-totalReplies", password=locked)
    for thread in threads:
        replies, number = thread.get("totalReplies"), thread.get("id")
        if isinstance(number, int) and isinstance(replies, int) and replies > 0:
            yield from document(api(What.COMMENTS, f"{at}/comment-threads/{number}", password=locked))


def _around(told: dict[str, Any], home: Home) -> Walk[None]:
    """Who made it, what goes with it, and how other pages embed it."""
    for member, where in (("channel", "video-channels"), ("account", "accounts")):
        if handle := handle_of(told.get(member), home, is_local=told.get("isLocal") is True):
            yield from document(api(What.AUTHORS, f"/api/v1/{where}/{handle}"))
    tags = sorted(tag for tag in told.get("tags") or () if isinstance(tag, str))
    if tags:
        query = urlencode([("tagsOneOf", tag) for tag in tags])
        yield from document(api(What.RELATED, f"/api/v1/search/videos?{query}&{_RELATED}"))
    url, short = told.get("url"), told.get("shortUUID")
    if told.get("isLocal") is True and isinstance(url, str) and isinstance(short, str):
        watch = f"{url.partition('/videos/')[0]}/w/{short}"
        yield Need(What.RELATED, Place(f"/services/oembed?url={quote(watch, safe='')}"))


def handle_of(actor: Any, home: Home, *, is_local: bool) -> str | None:
    """An account or channel as PeerTube's client spells it in paths: `name`, and `name@host` of another instance."""
    if not isinstance(actor, dict) or not isinstance(name := actor.get("name"), str):
        return None
    host = actor.get("host")
    is_ours = (
        is_local or not isinstance(host, str) or any(origin.endswith(f"//{host.lower()}") for origin in home.origins)
    )
    return quote(name if is_ours else f"{name}@{host}", safe="@")


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else None
