"""What cassettes hold of a need: found as a replay would find it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from peertape.cassettes.bodies import Body, read
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import RecordedResponse
from peertape.cassettes.store import Cassette
from peertape.proxy.engine import hosts
from peertape.proxy.engine.inventory.needs import Held, Need, merged
from peertape.proxy.engine.lists import ListWindows
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.ranges import Span, parse_content_range
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Question, Shelf
from peertape.proxy.engine.stages.recorded import ALL_TIERS, RANGES

LARGEST_READ = 16 * 1024 * 1024  # octets of a document that a walk reads


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf is asked: header values, as they are sent or as a cassette has them."""

    authorization: str | None = None
    video_password: str | None = None

    def headers(self, need: Need) -> Headers:
        """The credentials that go with a need; nothing of them goes to another host."""
        pairs = []
        if need.place.origin is None:
            if need.bearer and self.authorization is not None:
                pairs.append(("Authorization", self.authorization))
            if need.password and self.video_password is not None:
                pairs.append(("X-PeerTube-Video-Password", self.video_password))
        return Headers.of(pairs)


class Holdings:
    """Several cassettes count as in a replay: the leftmost that has an answer gives it."""

    def __init__(self, shelf: Shelf, matcher: Matcher, asker: Asker, *, with_earlier: bool = True) -> None:
        """`with_earlier`: the former texts of what was recorded more than once are told as well."""
        self._shelf = shelf
        self._matcher = matcher
        self._windows = ListWindows(matcher)
        self._asker = asker
        self._with_earlier = with_earlier
        self._session = Session("inventory")

    def look(self, need: Need) -> Held:
        held = self._look(need)
        if need.plain is None or held.satisfies(need):
            return held
        plain = self._look(replace(need, place=need.plain, bearer=True, password=True))
        return plain if _better(plain, held, need) else held

    def _look(self, need: Need) -> Held:
        found = Held()
        for cassette in self._shelf.cassettes:
            held = self._in(cassette, need)
            if held.satisfies(need):
                return held
            if _better(held, found, need):
                found = held
        return found

    def _in(self, cassette: Cassette, need: Need) -> Held:
        question = self._shelf.ask(self._request(cassette, need))
        match = self._matcher.find(question, cassette, ALL_TIERS)
        if match is not None:
            answered = [one for one in match.candidates if one.status is not None and 200 <= one.status < 300]
            chosen = (answered or match.candidates)[-1]
            response = cassette.exchange(chosen.id).response
            if response is not None and (answered or not need.media):
                earlier = self._earlier(cassette, [one.id for one in answered[:-1]]) if need.is_read else ()
                return _whole(response, need, earlier)
        if need.method == "GET" and need.is_read and "count=" in need.place.target:
            window = self._windows.answer(cassette, question, self._session)
            if window is not None:
                return Held(window.status, read(window.body), window.body.size)
        return self._in_parts(cassette, question)

    def _in_parts(self, cassette: Cassette, question: Question) -> Held:
        """The spans that partial answers (206) of the resource hold, as far as they agree with the newest."""
        found: list[tuple[Span, tuple[int, str | None, str | None]]] = []
        for candidate in self._matcher.alike(question, cassette, RANGES):
            response = cassette.exchange(candidate.id).response
            if candidate.status != 206 or response is None:
                continue
            placed = parse_content_range(response.headers.get("content-range"))
            if placed is not None and placed[0].size == response.body.size:
                validators = (placed[1], response.headers.get("etag"), response.headers.get("last-modified"))
                found.append((placed[0], validators))
        if not found:
            return Held()
        newest = found[-1][1]
        return Held(206, b"", newest[0], merged(span for span, validators in found if validators == newest))

    def _earlier(self, cassette: Cassette, numbers: list[int]) -> tuple[bytes, ...]:
        if not self._with_earlier:
            return ()
        texts = []
        for number in numbers:
            response = cassette.exchange(number).response
            if response is not None:
                texts.append(_text(response.headers, response.body))
        return tuple(dict.fromkeys(texts))

    def _request(self, cassette: Cassette, need: Need) -> Request:
        """The matching knows hosts as a proxy hears of them: its own address, or the one that the app wants."""
        origin = need.place.origin
        host = urlsplit(origin).netloc if origin else hosts.main_authority(cassette) or ""
        headers = Headers((("Host", host), *self._asker.headers(need)))
        return Request(need.method, need.place.target, headers, origin_form=origin is None)


def _whole(response: RecordedResponse, need: Need, earlier: tuple[bytes, ...]) -> Held:
    size = response.body.size
    spans = (Span(0, size - 1),) if size else ()
    text = _text(response.headers, response.body) if need.is_read else b""
    return Held(response.status, text, size, spans, earlier)


def _text(headers: Headers, body: Body) -> bytes:
    """Decoded; nothing of what is too long to be read, or in a coding that cannot be undone."""
    if body.size > LARGEST_READ:
        return b""
    try:
        decoded = decode(read(body), codings_of(headers), LARGEST_READ)
    except TooBigError:
        return b""
    return decoded.octets if decoded is not None else b""


def _better(one: Held, other: Held, need: Need) -> bool:
    """Whether it holds more of what is needed."""
    if one.status is None or other.status is None:
        return other.status is None
    if one.is_answered != other.is_answered:
        return one.is_answered
    return need.media is not None and len(one.missing(need)) < len(other.missing(need))
