"""How Node writes what stands in a head."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

# Node's own reason phrases where they are not Python's.
_REASONS = {413: "Payload Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Entity"}


def http_date(moment: float) -> str:
    """Epoch seconds as RFC 9110, section 5.6.7, has them."""
    return formatdate(moment, usegmt=True)


def reason(status: int) -> str:
    """The reason phrase."""
    if status in _REASONS:
        return _REASONS[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown"
