"""What happens to a Redis happens to nobody's counts."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mitmproxy.certs import CertStore
from support.redis import RedisServer

from peertape.config.state import RedisAddress, address
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.limits.counters import Charge
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.state.shared import SharedState
from peertape.proxy.engine.state.snapshots import Snapshots
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.tokens import Tokens
from peertape.proxy.stores import redis as stores
from peertape.proxy.stores import tickets
from peertape.proxy.stores.opening import opened
from peertape.proxy.stores.redis import RedisStore

API = Charge(("api", "192.0.2.1"), 10_000, 50)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        yield client


def session(store: RedisStore, name: str = "default") -> Session:
    return SharedState(store, Snapshots([], lambda: book("6.3"))).session(name)


def at(server: RedisServer, prefix: str = "peertape", ttl: int = 60, version: str = "1") -> closing[RedisStore]:
    return closing(RedisStore(RedisAddress(server.url, server.url, prefix, ttl), version))


def test_a_cluster_is_told_from_the_start() -> None:
    with (
        RedisServer("--cluster-enabled", "yes") as server,
        pytest.raises(StateLostError, match=r"is a Redis Cluster, .*; name a Redis that is alone"),
    ):
        at(server)


def test_a_password_is_asked_for_in_words() -> None:
    with RedisServer("--requirepass", "sesame") as server:
        for place in (server.url, server.url.replace("//", "//:another@")):
            with pytest.raises(
                StateLostError, match=r"refuses the login: .* A password stands in its address: "
            ) as raised:
                opened(address(place))
            assert "another" not in str(raised.value)
        opened(address(server.url.replace("//", "//:sesame@"))).close()


def test_over_tls(tmp_path: Path) -> None:
    """The certificate is of an authority of its own, which the URL names; without that it is refused."""
    authority = CertStore.from_store(tmp_path, "test", 2048)
    made = authority.get_cert("127.0.0.1", [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate, key, trusted = tmp_path / "redis.pem", tmp_path / "redis.key", tmp_path / "test-ca-cert.pem"
    certificate.write_bytes(made.cert.to_pem())
    key.write_bytes(made.privatekey.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", trusted)
    with listening(*files, "--tls-auth-clients", "no") as port:
        url = f"rediss://127.0.0.1:{port}/0"
        with closing(opened(address(f"{url}?ssl_ca_certs={trusted}"))) as store:
            assert store.charge(b"one", [API], 0)[0].used == 1
        with pytest.raises(StateLostError, match="CERTIFICATE_VERIFY_FAILED"):
            opened(address(url))


@contextmanager
def listening(*options: object) -> Iterator[int]:
    """A Redis that takes TLS at a port that was free a moment ago: another one, if somebody was faster."""
    for attempt in range(5):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        server = RedisServer("--tls-port", port, *options)
        try:
            server.start()
        except AssertionError:
            server.__exit__()
            if attempt == 4:
                raise
            continue
        try:
            yield port
        finally:
            server.__exit__()
        return


def test_prefixes_and_versions_do_not_mix(redis_server: RedisServer) -> None:
    places = [("one", "1"), ("two", "1"), ("one", "2")]
    for prefix, version in places:
        with at(redis_server, prefix, version=version) as store:
            assert session(store).counters.charge([API], 0)[0].used == 1
            assert store.sessions() == []
            with session(store).turn(alone=True):
                pass
            assert store.sessions() == [b"default"]


def test_all_keys_begin_with_the_prefix_and_end_after_a_while(redis_server: RedisServer, client: redis.Redis) -> None:
    with at(redis_server, "expiring", ttl=77) as store:
        one = session(store)
        with one.turn(), one.changing(Tokens) as tokens:
            tokens.revoked.add("t")
            one.counters.charge([API], 0)
            one.in_cassette("tape").note(b"key", 7)
    found = [key for key in client.keys("*") if key.startswith(b"expiring:1:")]
    assert len(found) >= 6
    assert all(0 < client.ttl(key) <= 77 for key in found)


def test_a_redis_that_lost_its_memory_is_a_fresh_one(server: RedisServer) -> None:
    with at(server) as store, closing(redis.Redis.from_url(server.url)) as client:
        one, other = session(store), session(store)
        with one.changing(Tokens) as tokens:
            tokens.revoked.add("t")
        with other.turn(alone=True):
            other.clock.advance(5)
        client.flushall()
        for worker in (one, other):
            with worker.turn():
                assert worker.recall(Tokens).revoked == set()
                assert worker.clock.state() == (0.0, None, None)
        with other.changing(Tokens) as tokens:
            tokens.revoked.add("u")
        with one.turn():
            assert one.recall(Tokens).revoked == {"u"}


def test_what_was_not_written_is_not_remembered_here_either(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "REST", 0.0)
    with at(server) as store:
        one = session(store)

        def change() -> None:
            with one.changing(Tokens) as tokens:
                tokens.revoked.add("t")
                one.clock.advance(5)
                server.stop()

        with pytest.raises(StateLostError):
            change()
        server.start()
        with one.turn():
            assert one.recall(Tokens).revoked == set()
            assert one.clock.state() == (0.0, None, None)


def test_what_nobody_was_answered_stands_in_no_journal(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "REST", 0.0)
    entry = Entry(1.0, "default", "anonymous", "GET", "/x", 200, "recorded", "recorded", 7, "tape")
    with at(server) as store:
        one = session(store)

        def answer() -> None:
            with one.turn():
                one.journal.add(entry)
                one.in_cassette("tape").note(b"key", 7)
                server.stop()

        with pytest.raises(StateLostError):
            answer()
        server.start()
        with one.turn():
            pass
        assert list(one.journal.entries) == []
        assert one.in_cassette("tape").reached(b"key") == 0


def test_a_redis_that_hangs_is_not_waited_for_with_every_request(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "TIMEOUT", 0.2)
    monkeypatch.setattr(stores, "REST", 3600.0)
    with at(server) as store:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with pytest.raises(StateLostError, match="does not answer: Timeout"):
                session(store).counters.charge([API], 0)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        with pytest.raises(StateLostError, match="does not answer: Timeout"):
            session(store).counters.charge([API], 0)


def test_who_ended_while_alone_does_not_keep_the_others(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "LONGEST", 0.05)
    with at(redis_server, "ended") as store:
        store.known(b"default", 0, "who ended")
        with session(store).changing(Tokens) as tokens:
            tokens.revoked.add("t")
        other = session(store)
        with other.turn():
            assert other.recall(Tokens).revoked == {"t"}


def test_who_is_too_late_changes_nothing(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "LONGEST", 0.05)
    with at(redis_server, "late") as store:
        slow, quick = session(store), session(store)

        def change(session: Session, meanwhile: Callable[[], None]) -> None:
            with session.changing(Tokens) as tokens:
                tokens.revoked.add("slow" if session is slow else "quick")
                meanwhile()

        with pytest.raises(StateLostError, match="took too long"):
            change(slow, lambda: change(quick, lambda: None))
        with slow.turn():
            assert slow.recall(Tokens).revoked == {"quick"}


def test_it_gives_up_where_nobody_leaves(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "PATIENCE", 0.05)
    with at(redis_server, "held") as store:
        store.known(b"default", 0, "who stays")
        with pytest.raises(StateLostError, match="held by others"), session(store).turn(alone=True):
            pass


def test_octets_that_nobody_wrote(redis_server: RedisServer, client: redis.Redis) -> None:
    with at(redis_server, "odd") as store:
        one = session(store)
        with one.changing(Tokens) as tokens:
            tokens.revoked.add("t")
        client.hset("odd:1:session:default:parts", f"{Tokens.__module__}.Tokens", json.dumps({}))
        one = session(store)
        for alone in (False, True, True, False):  # nobody answers from what could be read of it, nor keeps the others
            with pytest.raises(StateLostError, match="another program or version"), one.turn(alone=alone):
                pass
