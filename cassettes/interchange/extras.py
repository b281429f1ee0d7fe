"""What a foreign format cannot say of an exchange, so that our own files lose nothing.

Writers build the foreign form, read it back, and add what came out different, as flat members
(`"response.reason": "Fine"`); readers apply these last. Values are those of JSON; octets are base64.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, fields, replace
from typing import Any

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Closing, Exchange, Message, NotKept, State

_NESTED = ("request", "response", "timing")
_NOT_CARRIED = "id"  # a number of the store that the exchange came from


def differences(exact: Exchange, plain: Exchange) -> dict[str, Any]:
    """The members of `exact` that `plain` has otherwise; both hold their bodies in memory."""
    known = dict(_members(plain))
    return {name: _packed(value) for name, value in _members(exact) if name not in known or known[name] != value}


def applied(plain: Exchange, extras: Mapping[str, Any]) -> Exchange:
    """`plain` with the members that `extras` names; ValueError if one is malformed, unknown ones are left alone."""
    known = dict(_members(plain))
    changes: dict[str, dict[str, Any]] = {}
    for name, value in extras.items():
        if name in known:
            part, _, member = name.rpartition(".")
            changes.setdefault(part, {})[member] = _unpacked(member, value)
    whole = changes.pop("", {})
    for part, changed in changes.items():
        whole[part] = replace(getattr(plain, part), **changed)
    return replace(plain, **whole)


def _members(exchange: Exchange) -> Iterator[tuple[str, object]]:
    for member in fields(exchange):
        value = getattr(exchange, member.name)
        if member.name not in _NESTED:
            if member.name != _NOT_CARRIED:
                yield member.name, value
        elif value is not None:
            for inner in fields(value):
                yield f"{member.name}.{inner.name}", getattr(value, inner.name)


def _packed(value: object) -> object:
    if isinstance(value, Headers):
        return [list(pair) for pair in value]
    if isinstance(value, BytesBody):
        return b64encode(value.data).decode()
    if isinstance(value, Closing):
        return list(astuple(value))
    if isinstance(value, NotKept):
        return [value.size, value.sha256.hex(), value.digest.hex()]
    if isinstance(value, tuple):
        return [[m.at, m.from_client, m.is_text, b64encode(m.content).decode()] for m in value]
    return str(value) if isinstance(value, State) else value


def _headers(value: Any) -> Headers:
    return Headers.of((_text(name), _text(text)) for name, text in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _messages(value: Any) -> tuple[Message, ...]:
    return tuple(
        Message(float(at), bool(from_client), bool(is_text), b64decode(content))
        for at, from_client, is_text, content in value
    )


def _closing(value: Any) -> Closing:
    at, from_client, code, reason = value
    return Closing(float(at), bool(from_client), int(code), _text(reason))


def _not_kept(value: Any) -> NotKept:
    size, sha256, digest = value
    return NotKept(int(size), bytes.fromhex(_text(sha256)), bytes.fromhex(_text(digest)))


_UNPACK: Mapping[str, Callable[[Any], object]] = {
    "headers": _headers,
    "trailers": _headers,
    "body": lambda value: BytesBody(b64decode(value)),
    "messages": _messages,
    "closing": _closing,
    "not_kept": _not_kept,
    "state": State,
    "status": int,
    "started": float,
    "sent": float,
    "answering": float,
    "answered": float,
}
_OPTIONAL = {"closing", "not_kept", "error", "client_host", "sent", "answering", "answered"}


def _unpacked(member: str, value: Any) -> object:
    if value is None and member in _OPTIONAL:
        return None
    try:
        return _UNPACK.get(member, _text)(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its peertape member {member} is malformed") from error
