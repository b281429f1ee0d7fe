# ruff: noqa: A002 (`min` and `max` are the words of the rules)
"""The checks that chains name. Checks of texts see every value as a text, element by element in lists; others the
value itself. Sources: the behaviour of the `validator` package 13.12 and express-validator 7.2 on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from peertape.proxy.engine.twin.sanitizers import number_of
from peertape.proxy.engine.twin.values import ABSENT, exists, parsed, text_of, type_name

Files = Mapping[str, Sequence[Mapping[str, Any]]]


class ThrownError(Exception):
    """A check that fails with a message of its own."""


@dataclass(frozen=True, slots=True)
class Check:
    """Of texts: handed each element as a text. Of values: the value as it is. Of files: the request's files."""

    test: Callable[..., bool]
    of: Literal["texts", "values", "files"]


CHECKS: dict[str, Check] = {}


def _text(name: str) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
    def register(test: Callable[..., bool]) -> Callable[..., bool]:
        CHECKS[name] = Check(test, "texts")
        return test

    return register


def _custom(name: str) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
    def register(test: Callable[..., bool]) -> Callable[..., bool]:
        CHECKS[name] = Check(test, "values")
        return test

    return register


def _demand_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ThrownError(f"Expected a string but received a {type_name(value)}")
    return value


_INTEGER = re.compile(r"[-+]?[0-9]+")
_UUID_4 = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}", re.IGNORECASE)
_NUMERIC = re.compile(r"[+-]?([0-9]*[.])?[0-9]+")
_TOP_LEVEL = re.compile(r"[a-z\u00A1-\u00A8\u00AA-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF]{2,}|xn[a-z0-9-]{2,}", re.IGNORECASE)
_FLOAT = re.compile(r"[-+]?(?:[0-9]+)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_DATE = re.compile(
    r"[+-]?\d{4}(?:"
    r"-?(?:(?:0[1-9]|1[0-2])(?:-?(?:[12]\d|0[1-9]|3[01]))?|W(?:[0-4]\d|5[0-3])(?:-?[1-7])?"
    r"|(?:00[1-9]|0[1-9]\d|[12]\d{2}|3(?:[0-5]\d|6[0-6])))"
    r"(?:[T\s](?:(?:[01]\d|2[0-3])(?::?[0-5]\d(?::?[0-5]\d)?)?|24:?00)(?:[.,]\d+)?(?:[zZ]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?"
    r")?"
)


@_text("integer")
def integer(text: str, min: int | None = None, max: int | None = None) -> bool:
    if not _INTEGER.fullmatch(text):
        return False
    value = int(text) if len(text) < 400 else (10**400 if text[0] != "-" else -(10**400))
    return (min is None or value >= min) and (max is None or value <= max)


@_text("number")
def number(text: str, min: float | None = None, max: float | None = None) -> bool:
    if text in ("", ".", "-", "+") or not _FLOAT.fullmatch(text):
        return False
    value = number_of(text)  # NaN of a text such as e5, which is in no range
    return (min is None or value >= min) and (max is None or value <= max)


@_text("numeric")
def numeric(text: str) -> bool:
    return _NUMERIC.fullmatch(text) is not None


@_text("boolean-text")
def boolean_text(text: str) -> bool:
    return text in ("true", "false", "1", "0")


@_text("one-of")
def one_of(text: str, values: Sequence[Any]) -> bool:
    return text in [text_of(value) for value in values]


@_text("sortable")
def sortable(text: str, columns: Sequence[str]) -> bool:
    return text.removeprefix("-") in columns and not text.startswith("--")


@_text("empty")
def empty(text: str) -> bool:
    return text == ""


@_text("text-length")
def text_length(text: str, min: int = 0, max: int | None = None) -> bool:
    return min <= _characters(text) and (max is None or _characters(text) <= max)


@_text("matches")
def matches(text: str, pattern: str, ignore_case: bool = False) -> bool:
    return re.search(pattern, text, re.IGNORECASE if ignore_case else 0) is not None


@_text("email")
def email(text: str) -> bool:
    user, mark, domain = text.rpartition("@")
    if not mark or len(user.encode()) > 64 or len(domain) > 254:
        return False
    if not domain_name(domain):
        return False
    if user.startswith('"') and user.endswith('"') and len(user) > 1:
        return re.fullmatch(r"[\s\x20-\x7e]*", user[1:-1]) is not None
    atom = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u00A1-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF]+")
    return all(atom.fullmatch(part) for part in user.split("."))


@_text("url")
def url(
    text: str, tld: bool = True, protocols: Sequence[str] = ("http", "https", "ftp"), protocol: bool = False
) -> bool:
    """`tld`: whether the host needs a top-level domain; `protocol`: whether a protocol must stand there."""
    if not text or len(text) > 2083 or re.search(r"[\s<>]", text) or text.startswith("mailto:"):
        return False
    scheme, mark, rest = text.partition("://")
    if mark:
        if scheme.lower() not in protocols:
            return False
    elif protocol or text.startswith("//"):
        return False
    else:
        rest = text
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if port == 0 or host.endswith(":"):
        return False
    return host.startswith("[") or ip_address(name) or domain_name(name, tld) or (not tld and name == "localhost")


def ip_address(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(re.fullmatch(r"0|[1-9]\d{0,2}", part) and int(part) < 256 for part in parts)


def domain_name(text: str, tld: bool = True) -> bool:
    """A fully qualified domain name; `tld`: with a top-level domain of at least two letters."""
    labels = text.split(".")
    if tld and (len(labels) < 2 or not _TOP_LEVEL.fullmatch(labels[-1])):
        return False
    if labels[-1].isdigit():
        return False
    return all(
        0 < len(label) <= 63
        and re.fullmatch(r"[a-z_\u00a1-\uffff0-9-]+", label, re.IGNORECASE)
        and "_" not in label
        and not label.startswith("-")
        and not label.endswith("-")
        for label in labels
    )


def _characters(text: str) -> int:
    """UTF-16 units, less one for each pair and for each variation selector."""
    selectors = len(re.findall("\ufe0f|\ufe0e", text))
    return len(text) - selectors


@_custom("exists")
def is_there(value: Any) -> bool:
    return exists(value)


@_custom("present")
def present(value: Any) -> bool:
    """Not absent; null counts."""
    return value is not ABSENT


@_custom("id")
def identifier(value: Any) -> bool:
    return exists(value) and integer(text_of(value))


@_custom("uuid")
def uuid(value: Any) -> bool:
    return exists(value) and _UUID_4.fullmatch(text_of(value)) is not None


@_custom("id-or-uuid")
def id_or_uuid(value: Any) -> bool:
    return identifier(value) or uuid(value)


@_custom("integer-or-null")
def integer_or_null(value: Any) -> bool:
    return value is None or integer(text_of(value))


@_custom("integer-text")
def integer_text(value: Any, min: int | None = None, max: int | None = None) -> bool:
    """An integer however it is spelled: `'' + value` is one."""
    return integer(text_of(value), min, max)


@_custom("boolean")
def boolean(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and boolean_text(value))


@_custom("date")
def date(value: Any) -> bool:
    return exists(value) and _DATE.fullmatch(_demand_text(value)) is not None


@_custom("length")
def length(value: Any, min: int = 0, max: int | None = None) -> bool:
    """Of a text that must be there."""
    return exists(value) and text_length(_demand_text(value), min, max)


@_custom("demanded-length")
def demanded_length(value: Any, min: int = 0, max: int | None = None) -> bool:
    """As `length`, but what is no text is said to be none, be it absent."""
    return text_length(_demand_text(value), min, max)


@_custom("pattern")
def pattern(value: Any, pattern: str, ignore_case: bool = False) -> bool:
    """A text that must be there and match somewhere."""
    return exists(value) and matches(_demand_text(value), pattern, ignore_case)


@_custom("web-address")
def web_address(value: Any, **how: Any) -> bool:
    return exists(value) and url(_demand_text(value), **how)


@_custom("email-address")
def email_address(value: Any) -> bool:
    return exists(value) and email(_demand_text(value))


@_custom("text")
def is_text(value: Any) -> bool:
    return isinstance(value, str)


@_custom("object")
def is_object(value: Any) -> bool:
    return isinstance(value, dict)


@_custom("array")
def array(value: Any, min: int = 0, max: int | None = None) -> bool:
    return isinstance(value, list) and len(value) >= min and (max is None or len(value) <= max)


@_custom("member-of")
def member_of(value: Any, values: Sequence[Any]) -> bool:
    """One of the values, of the same type: 1 is not "1"."""
    return any(type(value) is type(known) and value == known for known in values)


@_custom("key-of")
def key_of(value: Any, values: Sequence[Any]) -> bool:
    """One of the values however it is spelled: 1 is "1"."""
    return text_of(value) in [text_of(known) for known in values]


@_custom("null")
def is_null(value: Any) -> bool:
    return value is None


@_custom("json-text")
def json_text(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(parsed(value), (dict, list))
    except ValueError:
        return False


def file(
    files: Files,
    field: str,
    max: int | None = None,
    types: str | None = None,
    optional: bool = False,
    absent: bool | None = None,
) -> bool:
    """The part of a multipart body: of at most `max` octets, its content type matching `types`.

    `absent`: what a request without any multipart files gets, if that differs from `optional`.
    """
    parts = files.get(field) or ()
    if not parts:
        return optional if absent is None else absent
    part = parts[0]
    if not part.get("filename") or (max is not None and part["size"] > max):
        return False
    return types is None or re.fullmatch(types, str(part["type"]), re.IGNORECASE) is not None


CHECKS["file"] = Check(file, "files")
