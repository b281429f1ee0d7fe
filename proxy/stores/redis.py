"""Sessions in Redis, for workers on any number of machines. Every operation is one command or one script."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AskError, ClusterCrossSlotError, ClusterError
from redis.retry import Retry

from peertape.config.state import RedisAddress
from peertape.proxy.engine.journal import KEPT
from peertape.proxy.engine.limits.counters import MOST, Charge, Key, Window
from peertape.proxy.engine.session import MOST as SESSIONS
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.state.store import Done, Gift, Known, Line, Step
from peertape.proxy.stores import scripts
from peertape.proxy.stores.spelling import octets, text
from peertape.proxy.stores.tickets import LONGEST, waited

TIMEOUT = 2.0  # seconds for an answer of Redis
REST = 0.5  # seconds after a failure in which nobody waits for another
AT = struct.Struct("!d")  # a line of the journal begins with when it was
PARTS = ("head", "lock", "windows", "played", "lines", "sources", "used", "parts", "moved")


@dataclass(slots=True)
class _Presence:
    """Whether Redis is there; after a failure it is not asked for a moment, so that not every request waits for it."""

    away_until: float = 0.0
    last: str = ""


class RedisStore:
    """Raises StateLostError at once if there is no Redis. `version` is part of the keys: what one wrote, it reads."""

    def __init__(self, address: RedisAddress, version: str) -> None:
        self._address = address
        self._client = _client(address)
        self._prefix = f"{address.prefix}:{version}".encode()
        self._presence = _Presence()
        register = self._client.register_script
        self._known, self._step, self._give = map(register, (scripts.KNOWN, scripts.STEP, scripts.GIVE))
        self._charge, self._give_back = map(register, (scripts.CHARGE, scripts.GIVE_BACK))
        self._take, self._reset = map(register, (scripts.TAKE, scripts.RESET))
        try:
            # Of several keys, so that it is known at once whether they lie together.
            self._asked(self._client.exists, *(self._key(b"", part) for part in PARTS))
        except TypeError as error:  # what it makes of a part of the URL that it does not know
            raise StateLostError(
                f"{address.shown} has parts after its ? that are not known ({_said(error)}); "
                "docs/scaling.md tells which there are."
            ) from error

    def known(self, session: bytes, revision: int, ticket: str | None = None) -> Known:
        arguments = [revision, ticket or "", round(LONGEST * 1000)]

        def ask() -> Known | None:
            told = self._run(self._known, session, arguments)
            if told is None:
                return None
            now, epoch, is_whole, fields = told
            parts = {name.decode(): data for name, data in zip(fields[::2], fields[1::2], strict=True)}
            return Known(int(now), int(epoch), parts, bool(is_whole))

        return waited(ask)

    def step(self, session: bytes, step: Step) -> Done:
        parts = [part for part in step.parts.items() if part[1] is not None]
        gone = [name for name, data in step.parts.items() if data is None]
        arguments: list[Any] = [session, self._address.ttl, KEPT, step.revision, step.leave or ""]
        arguments += [len(parts), *(value for part in parts for value in part), len(gone), *gone, *_written(step)]
        told = self._run(self._step, session, arguments)
        if told is None:
            raise StateLostError("The shared state was changed by others while a request took too long.")
        return Done(int(told[0]), int(told[1]))

    def give(self, session: bytes, gift: Gift, at: float, now: int) -> list[Window] | None:
        prepared = gift.prepared
        arguments = [session, self._address.ttl, KEPT, prepared.revision, MOST, now, len(prepared.turns)]
        for turn in prepared.turns:
            arguments += (_field(turn.cassette, turn.key or b""), turn.since, turn.until)
        arguments += _charges(prepared.charges)
        told = self._run(self._give, session, [*arguments, *_written(gift.step(at))])
        return None if told is None else [_window(window) for window in told]

    def charge(self, session: bytes, charges: Sequence[Charge], now: int) -> list[Window]:
        told = self._run(self._charge, session, [self._address.ttl, MOST, now, *_charges(charges)])
        return [_window(window) for window in told]

    def give_back(self, session: bytes, keys: Iterable[Key]) -> None:
        self._run(self._give_back, session, [_field(*key) for key in keys])

    def windows(self, session: bytes) -> list[tuple[Key, Window]]:
        found = cast(dict[bytes, bytes], self._asked(self._client.hgetall, self._key(session, "windows")))
        return [(_key(field), _window(window)) for field, window in found.items()]

    def close_windows(self, session: bytes) -> None:
        self._asked(self._client.delete, self._key(session, "windows"))

    def reached(self, session: bytes, cassette: str, key: bytes | None) -> int:
        field = _field(cassette, key or b"")
        return int(cast(bytes | None, self._asked(self._client.hget, self._key(session, "played"), field)) or 0)

    def take(self, session: bytes, cassette: str, pool: Sequence[int], key: bytes, *, in_all: bool) -> int:
        fields = [_field(cassette, key), _field(cassette, b"")]
        return int(self._run(self._take, session, [self._address.ttl, *fields, int(in_all), *pool]))

    def lines(self, session: bytes) -> list[tuple[bytes, float]]:
        found = cast(dict[bytes, bytes], self._asked(self._client.hgetall, self._key(session, "lines")))
        return [_line(found[number]) for number in sorted(found, key=int)]

    def sources(self, session: bytes) -> dict[str, int]:
        found = cast(dict[bytes, bytes], self._asked(self._client.hgetall, self._key(session, "sources")))
        return {source.decode(): int(count) for source, count in found.items()}

    def used(self, session: bytes) -> int:
        return cast(int, self._asked(self._client.hlen, self._key(session, "used")))

    def answered_at(self, session: bytes, cassette: str, exchange: int) -> float | None:
        field = _field(cassette, str(exchange))
        told = cast(bytes | None, self._asked(self._client.hget, self._key(session, "used"), field))
        return None if told is None else float(told)

    def reset(self, session: bytes) -> Known:
        revision = int(self._run(self._reset, session, [session, self._address.ttl]))
        return Known(revision, revision, {}, is_whole=True)

    def sessions(self) -> list[bytes]:
        return cast(list[bytes], self._asked(self._client.zrange, self._prefix + b":sessions", -SESSIONS, -1))

    def close(self) -> None:
        self._client.close()

    def _key(self, session: bytes, part: str) -> bytes:
        return b"%b:session:%b:%b" % (self._prefix, session, part.encode())

    def _run(self, script: Callable[..., Any], session: bytes, arguments: Sequence[Any]) -> Any:
        keys = [*(self._key(session, part) for part in PARTS), self._prefix + b":sessions"]
        return self._asked(script, keys=keys, args=arguments)

    def _asked(self, ask: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        presence = self._presence
        if time.monotonic() < presence.away_until:
            raise StateLostError(presence.last)
        try:
            return ask(*arguments, **named)
        except (ClusterError, AskError, ClusterCrossSlotError) as error:
            raise StateLostError(
                f"{self._address.shown} is a Redis Cluster, where the keys of a session lie on several servers; "
                "name a Redis that is alone, or one with replicas."
            ) from error
        except redis.AuthenticationError as error:
            raise StateLostError(
                f"The Redis at {self._address.shown} refuses the login: {_said(error)}. "
                "A password stands in its address: redis://:PASSWORD@HOST:PORT/DB, or USER:PASSWORD."
            ) from error
        except redis.RedisError as error:
            sentence = f"The Redis at {self._address.shown} does not answer: {_said(error)}."
            if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
                presence.away_until, presence.last = time.monotonic() + REST, sentence
            raise StateLostError(sentence) from error


def _client(address: RedisAddress) -> redis.Redis:
    try:
        return redis.Redis.from_url(
            address.url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),  # a request that was counted, but not confirmed, would be counted twice
            client_name="peertape",
        )
    except ValueError as error:
        raise StateLostError(f"{address.shown} is no address of a Redis: {error}.") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__


def _field(first: str, second: str | bytes) -> bytes:
    """No name of a bucket or a cassette has such an octet."""
    return octets(first) + b"\0" + (second if isinstance(second, bytes) else octets(second))


def _key(field: bytes) -> Key:
    bucket, _, address = text(field).partition("\0")
    return bucket, address


def _window(told: bytes) -> Window:
    opened, ends, used = map(int, told.split())
    return Window(opened, ends, used)


def _charges(charges: Sequence[Charge]) -> list[Any]:
    return [len(charges), *(value for c in charges for value in (_field(*c.key), c.length, c.most))]


def _written(step: Step) -> list[Any]:
    told: list[Any] = [len(step.played)]
    for cassette, key, exchange in step.played:
        told += (_field(cassette, key), _field(cassette, b""), exchange)
    told.append(len(step.lines))
    for line in step.lines:
        used = [_field(cassette, str(exchange)) for cassette, exchange in line.used]
        told += (_spelled(line), line.source, repr(line.at), len(used), *used)
    told.append(len(step.rewritten))
    for number, line in step.rewritten.items():
        told += (number, _spelled(line))
    return told


def _spelled(line: Line) -> bytes:
    return AT.pack(line.at) + line.data


def _line(told: bytes) -> tuple[bytes, float]:
    """The entry, and when it was."""
    return told[AT.size :], AT.unpack_from(told)[0]
