"""What a request gives to the checks: its parameters by place, as PeerTube's body parsers and Express read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

import python_multipart
from python_multipart.exceptions import FormParserError

from peertape.cassettes.bodyfields import FORM
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers, media_type
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.twin.contenttypes import content_type
from peertape.proxy.engine.twin.facts import Told
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import ABSENT, exists, parsed

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_MOST_ELEMENTS = 20  # of a list by indexes in a query (the `qs` package)
_LONGEST_INDEX = 4  # digits
_MOST_FIELDS = 1000  # of a list in a multipart body
_STEP = re.compile(r"[^.\[\]]+")
_LARGEST = 4 * 1024 * 1024  # of a body without its coding

Location = str


class Unread(Told):
    """A body, or its files, that nobody can tell: one that is not held, or in a coding that was not undone."""

    def tell(self, name: Any) -> Any:
        raise Undecided(f"a body that was not read: {name}")

    def get(self, name: Any, default: Any = None) -> Any:  # noqa: ARG002 (it may well be there)
        return self.tell(name)

    def __contains__(self, name: Any) -> bool:
        return bool(self.tell(name))

    def __iter__(self) -> Iterator[str]:
        yield self.tell("*")

    def __len__(self) -> int:
        return int(self.tell("length"))


@dataclass(slots=True)
class Given:
    """Values change as sanitizers run. `files`: parts of a multipart body with a file name, by field."""

    params: dict[str, Any]
    query: dict[str, Any]
    body: Any
    headers: dict[str, str]
    cookies: dict[str, str]
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def at(self, location: Location, path: str) -> Any:
        """The value at a path of a location, ABSENT if there is none."""
        return value_at(getattr(self, location), path)

    def put(self, location: Location, path: str, value: Any) -> None:
        """Sets it, making the objects on the way (as lodash does)."""
        steps = _STEP.findall(path)
        holder: Any = getattr(self, location)
        for step in steps[:-1]:
            below = _member(holder, step)
            if not isinstance(below, (dict, list)):
                below = {}
                _set(holder, step, below)
            holder = below
        _set(holder, steps[-1], value)


def value_at(holder: Any, path: str) -> Any:
    if isinstance(holder, dict) and path in holder:
        return holder[path]
    for step in _STEP.findall(path):
        holder = _member(holder, step)
    return holder


def _member(holder: Any, step: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(step, ABSENT)
    if isinstance(holder, list):
        if step == "length":
            return len(holder)
        return holder[int(step)] if step.isdecimal() and int(step) < len(holder) else ABSENT
    return ABSENT


def _set(holder: Any, step: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[step] = value
    elif isinstance(holder, list) and step.isdecimal() and int(step) < len(holder):
        holder[int(step)] = value


def given(request: Request, params: Mapping[str, str]) -> Given:
    unread = request.body_digest is not None  # too big to be held
    body, files = (Unread(), Unread()) if unread else body_of(request.headers, request.body)
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    return Given(dict(params), query_of(request.query), body, headers, _cookies(headers.get("cookie", "")), files)


def query_of(text: str) -> dict[str, Any]:
    """A query as the `qs` package reads it: repeated names and `name[]` are lists, `name[member]` objects."""
    out: dict[str, Any] = {}
    for pair in text.split("&")[:1000]:
        if pair:
            name, _, value = pair.partition("=")
            _add(out, unquote_plus(name), unquote_plus(value), _MOST_ELEMENTS)
    return out


def form_of(text: str) -> dict[str, Any]:
    """A form as Node's querystring reads it: repeated names are lists, brackets mean nothing."""
    out: dict[str, Any] = {}
    for pair in text.split("&")[:1000]:
        if pair:
            name, _, value = pair.partition("=")
            _join(out, unquote_plus(name), unquote_plus(value))
    return out


def body_of(headers: Headers, body: bytes) -> tuple[Any, dict[str, list[dict[str, Any]]]]:
    """The body's value ({} where nothing is parsed), and its files."""
    kind = media_type(headers)
    if not body:
        return {}, {}
    if kind == "application/json" or re.fullmatch(r"application/[^/]*\+json", kind):
        return _json(headers, body), {}
    if kind == FORM:
        octets = _octets(headers, body)
        return (Unread() if octets is None else form_of(octets.decode("utf-8", "replace"))), {}
    if kind == "multipart/form-data" and "boundary=" in (headers.get("content-type") or "").lower():
        return _multipart(headers, body)
    return {}, {}


def _json(headers: Headers, body: bytes) -> Any:
    """What is damaged was refused before; what is left, PeerTube can read."""
    octets, kind = _octets(headers, body), content_type(headers.get("content-type"))
    if kind is None:  # PeerTube cannot read the type, and so does not read the body
        return {}
    if octets is None or kind.charset != "utf-8":
        return Unread()
    text = octets.decode("utf-8", "replace").removeprefix("\ufeff")
    if not text.strip():
        return {}
    try:
        value = parsed(text)
    except ValueError:
        return Unread()
    return value if isinstance(value, (dict, list)) else {}


def _octets(headers: Headers, body: bytes) -> bytes | None:
    """Without its coding; None where that cannot be undone."""
    try:
        decoded = decode(body, codings_of(headers), _LARGEST)
    except TooBigError:
        return None
    return decoded.octets if decoded is not None and decoded.whole else None


def _multipart(headers: Headers, body: bytes) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    fields: dict[str, Any] = {}
    files: dict[str, list[dict[str, Any]]] = {}

    def on_field(part: Any) -> None:
        name = (part.field_name or b"").decode("utf-8", "replace")
        _add(fields, name, (part.value or b"").decode("utf-8", "replace"), _MOST_FIELDS)

    def on_file(part: Any) -> None:
        name = (part.field_name or b"").decode("utf-8", "replace")
        kind = part.content_type or "application/octet-stream"
        part.file_object.seek(0)
        files.setdefault(name, []).append(
            {
                "filename": (part.file_name or b"").decode("utf-8", "replace"),
                "type": kind,
                "size": part.size,
                "content": part.file_object.read(),
            }
        )

    try:
        parser = python_multipart.create_form_parser(
            {"Content-Type": (headers.get("content-type") or "").encode("latin-1")},
            on_field,
            on_file,
            config={"MAX_MEMORY_FILE_SIZE": None},  # never to the disk: the body is held already
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError):  # cut or malformed: what came before it counts
        return fields, files
    return fields, files


def _add(out: dict[str, Any], name: str, value: Any, most: int) -> None:
    """Under a name such as `tags[]`, `tags[0]` or `tasks[0][options][start]`; lists have no holes."""
    head, bracket, _ = name.partition("[")
    steps = _BRACKETS.findall(name[len(head) :]) if bracket and head else []
    holder: Any = out
    key: str | int = head if steps else name
    for step in steps[:5]:
        below = holder.get(key) if isinstance(holder, dict) else holder[key] if key < len(holder) else None  # type: ignore[operator]
        is_index = step == "" or (step.isdecimal() and len(step) <= _LONGEST_INDEX and int(step) <= most)
        if isinstance(below, list) and not is_index:
            below = {str(index): item for index, item in enumerate(below)}
        elif not isinstance(below, (dict, list)):
            before = [below] if exists(below) else []
            below = before if is_index else {}
        if isinstance(holder, dict):
            holder[str(key)] = below
        else:
            holder[key : key + 1] = [below]  # type: ignore[operator]
        holder = below
        key = min(int(step or len(below)), len(below)) if isinstance(below, list) else step
    if isinstance(holder, dict):
        _join(holder, str(key), value)
    else:
        holder.append(value)


def _join(out: dict[str, Any], name: str, value: Any) -> None:
    if name not in out:
        out[name] = value
    elif isinstance(out[name], list):
        out[name].append(value)
    else:
        out[name] = [out[name], value]


def _cookies(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(";"))
    return {name.strip(): value.strip() for name, mark, value in pairs if mark}
