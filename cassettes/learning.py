"""What the cassette learns from the traffic that it keeps: whose a token is, which number a video has, where the public
origin is, where its files lie. Works on redacted bodies only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from peertape.cassettes.bodyfields import fields
from peertape.cassettes.filelinks import file_links, redirects_to_file
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.keys import credential
from peertape.cassettes.mentions.objects import Held
from peertape.cassettes.model import RecordedRequest, RecordedResponse
from peertape.cassettes.origin import Origin
from peertape.cassettes.paths import LOGIN, UUID_TEXT, fold

ME = "/api/v1/users/me"
VIDEO_TOKEN = re.compile(r"/api/v1/videos/[^/]+/token")
SCOPED_TOKENS = "/api/v1/users/scoped-tokens"
MOST_BYTES = 4 * 1024 * 1024  # of a body that is looked through


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and whose it is: that of `user`, or of the user of another token, `same_as`."""

    pseudonym: str
    kind: str  # access, refresh, file, feed
    user: str | None = None
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    name: str
    role: str | None
    email: str | None
    credential: str


@dataclass(frozen=True, slots=True)
class Resource:
    kind: str
    uuid: str
    number: int


@dataclass(frozen=True, slots=True)
class PublicOrigin:
    """A public origin that the instance gave itself, for example `https://peertube.example`."""

    origin: str


@dataclass(frozen=True, slots=True)
class Version:
    text: str


Fact = Credential | User | Resource | PublicOrigin | Version


def value_of(status: int, response: bytes | None, kind: str) -> Any:
    """The JSON of a success, given as decoded, redacted text with its media type; None if it is none."""
    if not 200 <= status < 300 or not response or len(response) > MOST_BYTES or "json" not in kind:
        return None
    try:
        return json.loads(response)
    except (ValueError, RecursionError):  # no JSON, or nested deeper than anything that PeerTube sends
        return None


def learn(
    method: str, target: str, headers: Headers, body: bytes | None, value: Any, objects: Iterable[Held]
) -> Iterator[Fact]:
    """The facts in one complete success: `body` is decoded, redacted text, `value` the answer with its `objects`."""
    path = fold(target.partition("?")[0])
    if isinstance(value, dict):
        yield from _tokens(method, path, headers, body or b"", value)
        if path == ME and method == "GET" and (asker := credential(headers)):
            yield from _me(value, asker)
        if isinstance(version := value.get("serverVersion"), str):
            yield Version(version)
    if path.startswith("/api/"):
        yield from _resources(objects)
        yield from _origins(value)


def file_origins(
    request: RecordedRequest,
    response: RecordedResponse,
    text: bytes | None,
    *,
    of_instance: bool,
) -> frozenset[Origin]:
    """Where files lie, as an answer says: the places that it links to, or redirects to."""
    path = request.target.partition("?")[0]
    links: list[str] = []
    if text and 200 <= response.status < 300 and len(text) <= MOST_BYTES:
        found = file_links(text, media_type(response.headers), path, of_instance=of_instance)
        links += [link.reference for link in found]
    location = response.headers.get("location")
    if location and redirects_to_file(response.status, request.method, path, of_instance=of_instance):
        links.append(location)
    base = f"{request.scheme}://{request.authority}{request.target}"
    origins = (Origin.of_url(link) or Origin.of_url(_absolute(base, link)) for link in set(links))
    return frozenset(filter(None, origins))


def _absolute(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


def _tokens(method: str, path: str, headers: Headers, body: bytes, value: dict[str, Any]) -> Iterator[Fact]:
    asker = credential(headers)
    if method == "POST" and path == LOGIN:
        form = fields(headers, body)
        user, old = form.get("username"), form.get("refresh_token")
        if user or old:
            for name, kind in (("access_token", "access"), ("refresh_token", "refresh")):
                if isinstance(token := value.get(name), str):
                    yield Credential(token, kind, user=user.lower() if user else None, same_as=old)
    elif method == "POST" and VIDEO_TOKEN.fullmatch(path) and isinstance(files := value.get("files"), dict):
        if isinstance(token := files.get("token"), str):
            yield Credential(token, "file", same_as=asker)
    elif path == SCOPED_TOKENS and asker and isinstance(token := value.get("feedToken"), str):
        yield Credential(token, "feed", same_as=asker)


def _me(value: dict[str, Any], asker: str) -> Iterator[Fact]:
    name, role, email = value.get("username"), value.get("role"), value.get("email")
    if isinstance(name, str):
        label = role.get("label") if isinstance(role, dict) else None
        yield User(name.lower(), label, email if isinstance(email, str) else None, asker)


def _resources(objects: Iterable[Held]) -> Iterator[Fact]:
    for holder, value in objects:
        uuid, number = value.get("uuid"), value.get("id")
        if (
            isinstance(uuid, str)
            and isinstance(number, int)
            and UUID_TEXT.fullmatch(uuid)
            and (k := _kind(value, holder))
        ):
            yield Resource(k, uuid.lower(), number)


def _kind(value: dict[str, Any], within: str) -> str | None:
    """What an object with `id` and `uuid` is, told from its members or from the member that holds it."""
    if "videosLength" in value or within in ("videoPlaylist", "playlist"):
        return "playlist"
    if within == "video" or "isLive" in value or ("duration" in value and "views" in value):
        return "video"
    return None


def _origins(value: Any) -> Iterator[Fact]:
    """Videos of the instance itself say where it is: `isLocal` and `url`."""
    data = value.get("data") if isinstance(value, dict) else None
    for item in data if isinstance(data, list) else [value]:
        if (
            isinstance(item, dict)
            and item.get("isLocal") is True
            and isinstance(url := item.get("url"), str)
            and (origin := _origin(url))
        ):
            yield PublicOrigin(origin)
            return


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else None
