"""A client that openapi-generator makes of an API's description: its methods, and arguments for them as recorded.

Which member of a request an argument becomes is read from the generated source, so that no name is guessed.
"""

from __future__ import annotations

import importlib
import inspect
import json
import mimetypes
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import media_type
from peertape.cassettes.model import Exchange, RecordedRequest

PACKAGE = "generated_client"
LEFT_OUT = "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"
Place = Literal["path", "query", "header", "form", "file", "body"]

_PLACES: dict[Place, str] = {
    "path": r"_path_params\['([^']+)'\] = (\w+)",
    "query": r"_query_params\.append\(\s*\(\s*'([^']+)',\s*(\w+)",
    "header": r"_header_params\['([^']+)'\] = (\w+)\n",
    "form": r"_form_params\.append\(\s*\(\s*'([^']+)',\s*(\w+)",
    "file": r"_files\['([^']+)'\] = (\w+)",
    "body": r"_(body)_params = (\w+)(?:\[1\])?\n",
}
OtherNames = Callable[[str], list[str]]  # of a resource: a UUID's numbers

_HEAD = re.compile(r"method='(\w+)',\s*resource_path='([^']+)'")
_INDEX = re.compile(r"\[\d*\]$")  # `tags[0]` and `tags[]` are items of `tags`


def generate(description: Path, folder: Path) -> Path:
    """The folder to import PACKAGE from."""
    generator = Path(sys.executable).with_name("openapi-generator-cli")
    what = ["-i", description, "-g", "python", "--library", "urllib3", "--package-name", PACKAGE]
    how = ["-o", folder, "--skip-validate-spec", "--global-property", LEFT_OUT]
    subprocess.run([generator, "generate", *what, *how], check=True, capture_output=True)
    # The generator imports the integers that the description names (`id`) as if they were a model.
    (folder / PACKAGE / "models" / "int.py").write_text("int = int\n", "ascii")
    return folder


@dataclass(frozen=True)
class Method:
    """A method of the generated client; `places`: what each of its arguments becomes."""

    http: str
    template: str
    api: type
    name: str
    places: Mapping[str, tuple[Place, str]]

    def __str__(self) -> str:
        return f"{self.http} {self.template}"

    def call(self, api_client: Any, arguments: Mapping[str, Any]) -> Any:
        return getattr(self.api(api_client), f"{self.name}_with_http_info")(**arguments)

    def arguments(self, request: RecordedRequest, other_names: OtherNames) -> dict[str, Any]:
        """What asks for the same; what the client has no parameter for, or refuses, is left out."""
        given, found = _given(self.template, request), {}
        parameters = inspect.signature(getattr(self.api, self.name)).parameters
        for name, (place, member) in self.places.items():
            value = given(place, member)
            values = [value, *([other] for other in other_names(value[0]))] if place == "path" and value else [value]
            for each in values if value is not None else ():
                if (accepted := next(_accepted(parameters[name].annotation, each), None)) is not None:
                    found[name] = accepted
                    break
        return found


def methods() -> Iterator[Method]:
    """Of the package, which can be imported by now; an operation with two tags comes twice."""
    for api in vars(importlib.import_module(f"{PACKAGE}.api")).values():
        if inspect.isclass(api):
            for name, function in vars(api).items():
                if (match := re.fullmatch(r"_(\w+)_serialize", name)) and inspect.isfunction(function):
                    yield _method(api, match[1], inspect.getsource(function))


def _method(api: type, name: str, source: str) -> Method:
    head = _HEAD.search(source)
    assert head, source
    known = inspect.signature(getattr(api, name)).parameters
    places = {
        argument: (place, member)
        for place, expression in _PLACES.items()
        for member, argument in re.findall(expression, source)
        if argument in known and not argument.startswith("_")
    }
    return Method(head[1], head[2], api, name, places)


@dataclass(frozen=True)
class Sent:
    """A request as the client built it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    form: Any

    def differences(self, recorded: Exchange, numbers: OtherNames) -> list[str]:
        """In what it asks for something else than the recorded request does."""
        request, asked = recorded.request, urlsplit(self.url)
        path, _, query = request.target.partition("?")
        kind, octets = media_type(request.headers), read(request.body)
        fields: list[tuple[str, str]] = []
        files: Mapping[str, tuple[str, bytes]] = {}
        body: Any = None
        if kind == "application/x-www-form-urlencoded":
            fields = parse_qsl(octets.decode(), keep_blank_values=True)
        elif kind == "multipart/form-data":
            fields, files = parts_of(request)
        elif octets:
            body = json.loads(octets) if kind == "application/json" else octets
        pairs = {
            "path": (asked.path, path if not _name_the_same(asked.path, path, numbers) else asked.path),
            "query": (_collected(asked.query), _collected(query)),
            "body": (self.body or None, body or None),
            "fields": (self._fields(), collected(fields)),
            "files": (self._files(), {name: octets for name, (_, octets) in files.items()}),
        }
        return [
            f"{name}: {sent!r:.300} is not {meant!r:.300}" for name, (sent, meant) in pairs.items() if sent != meant
        ]

    def _fields(self) -> dict[str, list[str]]:
        pairs = [(name, value) for name, value in self.form or () if not isinstance(value, tuple)]
        return collected([(name, value if isinstance(value, str) else json.dumps(value)) for name, value in pairs])

    def _files(self) -> dict[str, bytes]:
        return {name: value[1] for name, value in self.form or () if isinstance(value, tuple)}


def _collected(query: str) -> dict[str, list[str]]:
    return collected(parse_qsl(query, keep_blank_values=True))


def _name_the_same(one: str, other: str, numbers: OtherNames) -> bool:
    """Whether they name the same resource: where one has its number, the other may have its UUID."""
    pairs = list(zip_longest(map(unquote, one.split("/")), map(unquote, other.split("/")), fillvalue=""))
    return all(a == b or a in numbers(b) for a, b in pairs)


class Built(Exception):
    """Stops the client before it sends."""

    def __init__(self, sent: Sent) -> None:
        super().__init__(sent)
        self.sent = sent


def _given(template: str, request: RecordedRequest) -> Callable[[Place, str], Any]:
    names = re.findall(r"\{(\w+)\}", template)
    matched = expression_of(template).fullmatch(request.target.partition("?")[0])
    parts = map(unquote, matched.groups() if matched else ())
    path = {name: [value] for name, value in zip(names, parts, strict=False)}
    query = collected(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    kind, octets = media_type(request.headers), read(request.body)
    form, files, body = {}, {}, None
    arrays: set[str] = set()
    if kind == "application/x-www-form-urlencoded":
        form = collected(parse_qsl(octets.decode(), keep_blank_values=True))
    elif kind == "multipart/form-data":
        fields, files = parts_of(request)
        form = collected(fields)
        arrays = {_INDEX.sub("", name) for name, _ in fields if _INDEX.search(name)}
    elif octets:
        body = json.loads(octets) if kind == "application/json" else octets
    if isinstance(body, dict):  # what the description calls a form, though the recorded client sent JSON
        form = {name: list(map(_text, value if isinstance(value, list) else [value])) for name, value in body.items()}

    def given(place: Place, member: str) -> Any:
        if place == "body":
            return body
        if place == "header":
            value = request.headers.get(member)
            if member == "Content-Length":
                value = str(request.body.size)
            return None if value is None else [value]
        value = {"path": path, "query": query, "form": form, "file": files}[place].get(_INDEX.sub("", member))
        # The generator knows no arrays in forms: it writes their items, without an index, into one value.
        return None if place == "form" and member in arrays else value

    return given


def expression_of(template: str) -> re.Pattern[str]:
    """Of the paths that a template with parameters (`{id}`) stands for, one group for each."""
    pieces = re.split(r"(\{\w+\})", template)
    return re.compile("".join(_piece(piece) for piece in pieces))


def _piece(piece: str) -> str:
    if piece == "{filename}":
        return "((?:[0-9a-f-]{36}/)?[^/]+)"  # the description forgets the video's UUID in the paths of HLS files
    return "([^/]+)" if piece.startswith("{") else re.escape(piece)


def collected(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each name; an array's items are written as `name`, `name[]` or `name[0]`."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(_INDEX.sub("", name), []).append(value)
    return found


def parts_of(request: RecordedRequest) -> tuple[list[tuple[str, str]], dict[str, tuple[str, bytes]]]:
    """The fields and the files of a multipart form."""
    head = f"Content-Type: {request.headers.get('content-type')}\r\n\r\n".encode()
    fields, files = [], {}
    for part in BytesParser(policy=HTTP).parsebytes(head + read(request.body)).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        octets = part.get_payload(decode=True)
        assert isinstance(octets, bytes)
        if (file_name := part.get_filename()) is not None:
            mimetypes.add_type(part.get_content_type(), Path(file_name).suffix)  # the client asks the machine's table
            files[name] = (file_name, octets)
        else:
            fields.append((name, octets.decode()))
    return fields, files


def _accepted(annotation: Any, value: Any) -> Iterator[Any]:
    """The ways in which the parameter takes the value; the most literal one first."""
    model = next((each for each in _classes(annotation) if issubclass(each, BaseModel)), None)
    for spelled in _spellings(value):
        try:
            if model is not None and not isinstance(spelled, list):
                yield model.from_json(json.dumps(spelled))
            else:
                yield TypeAdapter(annotation).validate_python(spelled)
        except (ValidationError, ValueError, TypeError):  # pydantic's, and those of the client's own `from_json`
            continue


def _spellings(value: Any) -> Iterator[Any]:
    if not (isinstance(value, list) and value and all(isinstance(item, str) for item in value)):
        yield value  # a body or a file
        return
    items = [_literal(item) for item in value]
    if len(value) == 1:
        yield value[0]
        yield items[0]
    yield value
    yield items


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _classes(annotation: Any) -> Iterator[type]:
    """The classes in a parameter's type, not those in a list."""
    if inspect.isclass(annotation) and not get_args(annotation):
        yield annotation
    elif getattr(annotation, "__origin__", None) is not list:
        for inner in get_args(annotation):
            yield from _classes(inner)
