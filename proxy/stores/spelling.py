"""Names that clients give, as octets: a header may hold anything."""

from __future__ import annotations


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
