"""Bodies of HAR, which are Unicode text, base64, form fields, or files beside it, and the octets that they were."""

from __future__ import annotations

import codecs
import re
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.interchange.framing import declared_length

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_BOUNDARY = re.compile(r";\s*boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE)
_TEXT_CODECS = ("utf-", "iso8859", "cp125", "ascii", "koi8", "shift_jis", "euc", "gb", "big5")


def body_of(content: dict[str, Any], headers: Headers, beside: Path | None) -> bytes | None:
    """A response's body; None if the file does not carry it."""
    text, size = content.get("text"), content.get("size")
    known = size if isinstance(size, int) else -1
    if isinstance(text, str) and (text or known <= 0):
        return _octets(text, headers, content.get("encoding"))
    if (data := _attached(content, beside)) is not None:
        return data
    return b"" if known == 0 or declared_length(headers) == 0 else None


def posted(request: dict[str, Any], headers: Headers, beside: Path | None) -> bytes | None:
    """A request's body; None if there was one and the file does not carry it."""
    post = request.get("postData") or {}
    text, params = post.get("text"), post.get("params")
    if isinstance(text, str) and text:
        return _octets(text, headers, post.get("encoding"))
    if (data := _attached(post, beside)) is not None:
        return data
    if params:
        return _form(params, headers.get("content-type") or post.get("mimeType") or "")
    size = request.get("bodySize")
    nothing = declared_length(headers) in (None, 0) and not (isinstance(size, int) and size > 0)
    return b"" if nothing else None


def octets_of(text: str, is_base64: bool = False) -> bytes:
    """mitmproxy leaves octets that are no UTF-8 in the text as surrogate escapes."""
    if is_base64:
        return b64decode(text)
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def charset_of(headers: Headers) -> str | None:
    """The declared charset, if Python knows it for one (its codecs also do compression and rot13)."""
    return _charset_in(headers.get("content-type") or "")


@lru_cache(maxsize=512)
def _charset_in(content_type: str) -> str | None:
    declared = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(declared[1]).name if declared else ""
    except LookupError:
        return None
    return name if name.startswith(_TEXT_CODECS) else None


def _octets(text: str, headers: Headers, encoding: str | None) -> bytes:
    if encoding == "base64":
        return b64decode(text)
    # The text may have stood in another charset, undeclared, or have lost its byte order mark: the length tells.
    length = declared_length(headers)
    spellings = _spellings(text, headers)
    likeliest = next(spellings)
    if length is None or length == len(likeliest):
        return likeliest
    return next((data for data in spellings if len(data) == length), likeliest)


def _spellings(text: str, headers: Headers) -> Iterator[bytes]:
    for charset in (charset_of(headers), "utf-8", "latin-1"):
        if charset:
            try:
                yield text.encode(charset)
            except UnicodeEncodeError:
                continue
    yield octets_of(text)
    yield codecs.BOM_UTF8 + octets_of(text)


def _attached(told: dict[str, Any], beside: Path | None) -> bytes | None:
    name = told.get("_file")
    if beside is None or not isinstance(name, str) or Path(name).name != name:  # never out of that folder
        return None
    try:
        return (beside / name).read_bytes()
    except OSError:
        return None


def _form(params: list[dict[str, Any]], content_type: str) -> bytes | None:
    if media_type(Headers.of([("content-type", content_type)])) != "multipart/form-data":
        return urlencode([(field["name"], field.get("value") or "") for field in params]).encode()
    boundary = _BOUNDARY.search(content_type)
    if boundary is None or any(field.get("value") is None for field in params):  # browsers leave files out
        return None
    line = b"--" + octets_of(boundary[1] or boundary[2])
    return b"".join(line + b"\r\n" + _part(field) for field in params) + line + b"--\r\n"


def _part(field: dict[str, Any]) -> bytes:
    head = f'Content-Disposition: form-data; name="{field["name"]}"'
    if file_name := field.get("fileName"):
        head += f'; filename="{file_name}"'
    if kind := field.get("contentType"):
        head += f"\r\nContent-Type: {kind}"
    return octets_of(f"{head}\r\n\r\n{field['value']}\r\n")
