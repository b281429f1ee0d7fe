"""Links that an app was given and hands back: a search for a URL, oEmbed's `url`, an import's `targetUrl`.

They are put as the instance knows them: those to us lead to it again, and those under the reserved path to their hosts.
"""

from __future__ import annotations

import re
from functools import lru_cache

from peertape.cassettes.bodyfields import FORM
from peertape.cassettes.codings import codings_of
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.origin import Origin
from peertape.cassettes.redaction.multipart import boundary_of
from peertape.proxy.engine.origins import Finder

LARGEST = 1024 * 1024  # octets of a body that is looked into; a longer one is a file
_MULTIPART = "multipart/form-data"
_FILE_NAME = re.compile(rb";\s*filename\*?\s*=", re.IGNORECASE)


def query_inward(target: str, client: str, recorded: str) -> str:
    """A request's target whose query names the recorded origin where it named the client's."""
    path, mark, query = target.partition("?")
    finder = _finder(client, recorded) if query else None
    return target if finder is None else path + mark + finder.replace(query.encode("latin-1")).decode("latin-1")


def body_inward(headers: Headers, body: bytes, client: str, recorded: str) -> bytes:
    """The same of a body: JSON, forms, and of multipart ones the fields that are no files. Else `body` itself."""
    if not may_hand_back(headers, len(body)) or (finder := _finder(client, recorded)) is None:
        return body
    if media_type(headers) != _MULTIPART:
        return finder.replace(body)
    boundary = boundary_of(headers.get("content-type") or "")
    return _fields_inward(body, b"--" + boundary, finder) if boundary else body


def may_hand_back(headers: Headers, size: int) -> bool:
    """Whether links are looked for in a body of that size."""
    kind = media_type(headers)
    looked_into = "json" in kind or kind in (FORM, _MULTIPART)
    return looked_into and 0 < size <= LARGEST and not codings_of(headers)


def _fields_inward(body: bytes, delimiter: bytes, finder: Finder) -> bytes:
    parts = body.split(delimiter)
    changed = [part if _is_file(part) else finder.replace(part) for part in parts]
    return body if all(new is old for new, old in zip(changed, parts, strict=True)) else delimiter.join(changed)


def _is_file(part: bytes) -> bool:
    return _FILE_NAME.search(part.partition(b"\r\n\r\n")[0]) is not None


@lru_cache(maxsize=256)
def _finder(client: str, recorded: str) -> Finder | None:
    """None if there is nothing to turn back."""
    try:
        ours, theirs = Origin.parse(client), Origin.parse(recorded)
    except ValueError:  # what the client sent as its Host is no host
        return None
    return None if ours == theirs else Finder(ours, theirs, back=True)
