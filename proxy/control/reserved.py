"""Which requests are for the control API."""

from __future__ import annotations

from peertape.proxy.engine.model import Request

PREFIX = "/__peertape__"


def is_control(request: Request) -> bool:
    return request.origin_form and (request.path == PREFIX or request.path.startswith(f"{PREFIX}/"))
