"""What a request's body says, where it is a form or a JSON object."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from peertape.cassettes.headers import Headers, media_type

FORM = "application/x-www-form-urlencoded"


def has_fields(headers: Headers) -> bool:
    """Whether the body is a form or JSON."""
    kind = media_type(headers)
    return kind == FORM or "json" in kind


def fields(headers: Headers, body: bytes) -> dict[str, str]:
    """The fields of a form or JSON body, the first of each name."""
    return {name: value for name, value in members(headers, body).items() if isinstance(value, str)}


def members(headers: Headers, body: bytes) -> dict[str, Any]:
    """The same with what is no text."""
    text = body.decode("utf-8", "replace")
    if "json" in media_type(headers):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}
    return dict(reversed(parse_qsl(text, keep_blank_values=True)))
