"""The files of a video: HLS with its playlists and segments, web videos, and what lies beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from peertape.proxy.engine.inventory import hls
from peertape.proxy.engine.inventory.needs import Held, Media, Need, Piece, Walk, What
from peertape.proxy.engine.inventory.places import Home, Place
from peertape.proxy.engine.inventory.renditions import Kind, Rendition
from peertape.proxy.engine.inventory.scope import Scope

_TOKEN = "videoFileToken"
_REINJECT = "reinjectVideoFileToken=true"  # asks for a playlist whose links have the token as well


@dataclass(frozen=True, slots=True)
class Files:
    """How the files of one video are asked for. `token`: of a video that is not open to everybody."""

    home: Home
    guarded: bool = False
    locked: bool = False
    token: str | None = None

    def need(self, what: What, place: Place, *, is_needed: bool = False, media: Media | None = None) -> Need:
        if not self._is_guarded(place):
            return Need(what, place, is_needed=is_needed, media=media)
        if self.token is None or _TOKEN in place.target:
            has_token = _TOKEN in place.target
            sends = not has_token
            return Need(what, place, is_needed=is_needed, media=media, bearer=sends, password=sends and self.locked)
        with_token = place.with_query(f"{_TOKEN}={self.token}")
        return Need(what, with_token, is_needed=is_needed, media=media, plain=place)

    def playlist(self, place: Place) -> Need:
        need = self.need(What.PLAYLIST, place, is_needed=True)
        if need.plain is not None:
            need = replace(need, place=need.place.with_query(_REINJECT))
        return replace(need, is_read=True)

    def by_header(self, need: Need) -> Walk[None]:
        """Players that send headers ask without the token."""
        if need.plain is not None:
            yield Need(What.BY_HEADER, need.plain, bearer=True, password=self.locked)

    def _is_guarded(self, place: Place) -> bool:
        """A token of the instance is for the instance alone."""
        return self.guarded and place.origin is None


def streaming(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The HLS that the details of a video tell of."""
    lists = told.get("streamingPlaylists")
    return [one for one in lists if isinstance(one, dict)] if isinstance(lists, list) else []


@dataclass(frozen=True, slots=True)
class _File:
    """A file as the details tell it."""

    rendition: Rendition
    place: Place
    size: int | None
    told: dict[str, Any] = field(repr=False)


@dataclass(slots=True)
class Film:
    """What a video's walk finds of its renditions. `sounds`: those of sound alone that others go with."""

    files: Files
    scope: Scope
    renditions: tuple[Rendition, ...] = ()
    chosen: frozenset[Rendition] = frozenset()
    sounds: frozenset[Rendition] = frozenset()

    def walk(self, told: dict[str, Any]) -> Walk[None]:
        """All files of the video whose details were `told`."""
        web = list(self._told_files(told, Kind.WEB))
        lists = streaming(told)
        kind = Kind.LIVE if told.get("isLive") is True else Kind.HLS
        for one in lists:
            yield from self._hls(one, kind)
        chosen = self.scope.renditions.of([file.rendition for file in web])
        for file in web:
            if file.rendition in chosen:
                media = Media(file.rendition.label, (Piece(None),), file.size)
                need = self.files.need(What.MEDIA, file.place, is_needed=True, media=media)
                yield need
                yield from self.files.by_header(need)
        self.renditions += tuple(file.rendition for file in web)
        self.chosen |= chosen
        wanted = [*web, *(file for one in lists for file in self._told_files(one, kind))]
        yield from self._beside([file for file in wanted if file.rendition in self.chosen])

    def walk_live(self, told: dict[str, Any]) -> Walk[None]:
        """The HLS of a live that is over: nobody has to have it."""
        chosen, sounds = self.chosen, self.sounds
        yield from self._hls(told, Kind.LIVE)
        self.chosen, self.sounds = chosen, sounds

    def _hls(self, told: dict[str, Any], kind: Kind) -> Walk[None]:
        link = told.get("playlistUrl")
        place = self.files.home.place(link) if isinstance(link, str) else None
        if place is None:
            return
        need = self.files.playlist(place)
        held = yield need
        yield from self.files.by_header(need)
        known = {file.place.path: file for file in self._told_files(told, kind)}
        try:
            master = hls.master(held.text, need.place, self.files.home) if held.is_answered else None
        except hls.PlaylistError:
            master = None
        if master is None:  # what the details tell is all that is known
            found = tuple(file.rendition for file in known.values())
            self.renditions += found
            self.chosen |= self.scope.renditions.of(found)
            return
        walked = yield from self._variants(master, known, kind)
        self.renditions += tuple(walked)
        chosen = self.scope.renditions.of(list(walked))
        self.chosen |= chosen
        groups = {walked[rendition].audio for rendition in chosen if rendition.height != 0}
        sounding = {rendition for rendition, way in walked.items() if way.group is not None and way.group in groups}
        self.sounds |= sounding
        for rendition, way in walked.items():
            if rendition in chosen | sounding:
                yield from self._segments(rendition, way, known)
        link = told.get("segmentsSha256Url")
        if isinstance(link, str) and (place := self.files.home.place(link)):
            yield self.files.need(What.HASHES, place)

    def _variants(self, master: hls.Master, known: dict[str, _File], kind: Kind) -> Walk[dict[Rendition, _Way]]:
        """Every media playlist, in the order of the master playlist, told by the files that it names."""
        ways = [_Way(variant.place, variant) for variant in master.variants]
        ways += [_Way(sound.place, group=sound.group) for sound in master.sounds]
        walked: dict[Rendition, _Way] = {}
        for way in dict.fromkeys(ways):
            if any(other.place == way.place for other in walked.values()):
                continue
            need = self.files.playlist(way.place)
            held = yield need
            if self.files.token and way.place.origin is None:
                yield from self.files.by_header(replace(need, plain=Place(way.place.path)))
            rendition = self._rendition(way, known, kind, held)
            while rendition in walked:
                rendition = Rendition(rendition.kind, rendition.height, f"{rendition.name}+")
            walked[rendition] = _Way(way.place, way.variant, way.group, held)
        return walked

    def _segments(self, rendition: Rendition, way: _Way, known: dict[str, _File]) -> Walk[None]:
        at = self.files.playlist(way.place).place
        playlist = _told_together(way.held, at, self.files.home)
        if playlist is None:
            return
        for place in playlist.keys:
            yield self.files.need(What.PLAYLIST, place, is_needed=True)
        for place, pieces in playlist.files:
            file = known.get(place.path)
            media = Media(rendition.label, pieces, file.size if file else None)
            need = self.files.need(What.MEDIA, place, is_needed=True, media=media)
            yield need
            if need.plain is None and self.files.token:  # the playlist's links have the token
                need = replace(need, plain=Place(place.path, place.origin))
            if place.origin is None:
                yield from self.files.by_header(need)

    def _rendition(self, way: _Way, known: dict[str, _File], kind: Kind, held: Held) -> Rendition:
        playlist = _told_together(held, self.files.playlist(way.place).place, self.files.home)
        for place, _ in playlist.files if playlist else ():
            if (file := known.get(place.path)) is not None:
                return file.rendition
        if way.group is not None:
            return Rendition(kind, 0)
        variant = way.variant
        short_side = min(variant.width, variant.height) if variant else 0
        return Rendition(kind, short_side or None, "" if short_side else way.place.path.rpartition("/")[2])

    def _beside(self, files: list[_File]) -> Walk[None]:
        for file in files:
            for wanted, what, member in (
                (self.scope.torrents, What.TORRENTS, "torrentUrl"),
                (self.scope.torrents, What.TORRENTS, "torrentDownloadUrl"),
                (self.scope.downloads, What.DOWNLOADS, "metadataUrl"),
                (self.scope.downloads, What.DOWNLOADS, "fileDownloadUrl"),
            ):
                link = file.told.get(member)
                place = self.files.home.place(link) if wanted and isinstance(link, str) else None
                if place is not None:
                    media = Media(file.rendition.label, (Piece(None),), file.size)
                    yield self.files.need(what, place, media=media if member == "fileDownloadUrl" else None)

    def _told_files(self, told: dict[str, Any], kind: Kind) -> Iterator[_File]:
        files = told.get("files")
        for item in files if isinstance(files, list) else ():
            link = item.get("fileUrl") if isinstance(item, dict) else None
            place = self.files.home.place(link) if isinstance(link, str) else None
            if place is None:
                continue
            resolution, size = item.get("resolution"), item.get("size")
            height = resolution.get("id") if isinstance(resolution, dict) else None
            rendition = Rendition(kind, height if isinstance(height, int) else None)
            yield _File(rendition, place, size if isinstance(size, int) and size > 0 else None, item)


_NOT_LOOKED_AT = Held()


@dataclass(frozen=True, slots=True)
class _Way:
    """To a rendition: its playlist, and what the master playlist says of it."""

    place: Place
    variant: hls.Variant | None = None
    group: str | None = None
    held: Held = _NOT_LOOKED_AT

    @property
    def audio(self) -> str | None:
        return self.variant.audio if self.variant else None


def _told_together(held: Held, at: Place, home: Home) -> hls.Segments | None:
    """A playlist; of a live one, all that its recorded states name."""
    texts = [*held.earlier, held.text] if held.is_answered else []
    found = []
    for text in texts:
        try:
            found.append(hls.segments(text, at, home))
        except hls.PlaylistError:
            continue
    if not found:
        return None
    return found[-1] if not any(playlist.is_live for playlist in found) else hls.all_told(found)
