"""For which client address a request counts, as Express tells it.

Proxies append to `X-Forwarded-For` the address that asked them. From the connection's own address backwards through the
list, the first that is no trusted proxy is the client; if all are trusted, the one that stands first in the list.
"""

from __future__ import annotations

from peertape.config.trust import Networks, trusts
from peertape.proxy.engine.model import Request

HEADER = "x-forwarded-for"
LONGEST = 64  # characters of an address that are kept: a client may name anything


def client_address(request: Request, trusted: Networks) -> str:
    """As text, as spelled by who gave it."""
    named = ",".join(request.headers.get_all(HEADER)).split(",")
    address = request.client
    for forwarded in filter(None, (text.strip() for text in reversed(named))):
        if not trusts(trusted, address):
            break
        address = forwarded[:LONGEST]
    return address
