"""Range as Express answers it (`send` 0.18 with `range-parser` 1.2 and `combine: true`).

Observed in media-playback.mitm, flows 58-81: never multipart, ranges that touch are merged, and what a stricter
parser would call a syntax error is mostly just an unsatisfiable range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from peertape.proxy.engine.conditional import date_of, field_value
from peertape.proxy.engine.model import Answer, Request


@dataclass(frozen=True, slots=True)
class Whole:
    """The header is ignored."""


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416."""


@dataclass(frozen=True, slots=True)
class Span:
    """Octets first to last, both included (RFC 9110 section 14.1.2)."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


Asked = Whole | Unsatisfiable | Span

WHOLE = Whole()
UNSATISFIABLE = Unsatisfiable()

_UNIT = re.compile(r" *bytes=")  # case matters: `Bytes=0-99` gives the whole file (flow 77)
_NUMBER = re.compile(r"\s*([+-]?[0-9]+)", re.ASCII)


def parse_range(value: str | None, size: int) -> Asked:
    """What a Range header asks of a file of `size` octets."""
    if value is None or not _UNIT.match(value):
        return WHOLE
    spans = [span for part in value.partition("=")[2].split(",") if (span := _span(part, size))]
    if not spans:
        return UNSATISFIABLE
    merged = _merged(spans)
    return merged[0] if len(merged) == 1 else WHOLE


def asked(request: Request, base: Answer) -> Asked:
    """What the request asks of `base`, a complete answer, with If-Range taken into account."""
    if not served_as_file(base):
        return WHOLE
    span = parse_range(field_value(request.headers, "range"), base.body.size)
    return span if _if_range_holds(request, base) else WHOLE


def served_as_file(answer: Answer) -> bool:
    """Only what `send` serves knows ranges and If-Match; the API and generated downloads ignore both (flow 145)."""
    return (answer.headers.get("accept-ranges") or "").lower() == "bytes"


def parse_content_range(value: str | None) -> tuple[Span, int] | None:
    """The span and the total of `bytes FIRST-LAST/TOTAL`; None for another unit or an unknown total."""
    match = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", (value or "").strip(), re.ASCII)
    if match is None:
        return None
    first, last, total = (int(number) for number in match.groups())
    return (Span(first, last), total) if first <= last < total else None


def _span(part: str, size: int) -> Span | None:
    first_text, _, rest = part.partition("-")
    first, last = _parse_int(first_text), _parse_int(rest.partition("-")[0])
    if first is None:
        if last is None:
            return None
        first, last = size - last, size - 1
    last = size - 1 if last is None else min(last, size - 1)
    return Span(first, last) if 0 <= first <= last else None


def _parse_int(text: str) -> int | None:
    """JavaScript's parseInt: leading digits count and the rest does not matter."""
    match = _NUMBER.match(text[:64])
    return int(match[1]) if match else None


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.first):
        if merged and span.first <= merged[-1].last + 1:
            merged[-1] = Span(merged[-1].first, max(merged[-1].last, span.last))
        else:
            merged.append(span)
    return merged


def _if_range_holds(request: Request, base: Answer) -> bool:
    """`send` compares weakly, against RFC 9110 section 13.1.5: the weak ETag of a file is accepted (flow 78)."""
    condition = field_value(request.headers, "if-range")
    if not condition:
        return True
    if '"' in condition:
        etag = base.headers.get("etag")
        return etag is not None and etag != "" and etag in condition
    modified, wanted = date_of(base.headers.get("last-modified")), date_of(condition)
    return modified is not None and wanted is not None and modified <= wanted
