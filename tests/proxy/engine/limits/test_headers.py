"""Where the headers of limits stand."""

from __future__ import annotations

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.limits.headers import Stamp, cached, is_before_routers, stamped

STAMP = Stamp(50, 7, 1_000_010)
OVER = Stamp(50, 0, 1_000_010, 9)
ROUTERS = (("x-powered-by", "PeerTube"), ("X-Frame-Options", "DENY"), ("Tk", "N"), ("Access-Control-Allow-Origin", "*"))
DATE, TYPE = ("Date", "now"), ("Content-Type", "text/plain")
OWN = (("X-RateLimit-Limit", "50"), ("X-RateLimit-Remaining", "7"), DATE, ("X-RateLimit-Reset", "1000010"))
OLD = (("X-RateLimit-Limit", "9"), ("X-RateLimit-Remaining", "8"), DATE, ("X-RateLimit-Reset", "7"))


def test_recorded_numbers_are_replaced_in_their_place() -> None:
    assert stamped(Headers((*ROUTERS, *OLD, TYPE)), STAMP) == Headers((*ROUTERS, *OWN, TYPE))


def test_numbers_that_were_not_there_come_behind_the_routers() -> None:
    assert stamped(Headers((*ROUTERS, TYPE, DATE)), STAMP) == Headers((*ROUTERS, *OWN, TYPE))


def test_retry_after_comes_and_goes() -> None:
    over = stamped(Headers((*ROUTERS, *OLD, TYPE)), OVER)
    assert over.get("Retry-After") == "9"
    assert [name for name, _ in over][-2:] == ["Retry-After", "Content-Type"]
    assert stamped(over, STAMP) == Headers((*ROUTERS, *OWN, TYPE))


def test_lower_case_stays_lower_case() -> None:
    lower = Headers((*ROUTERS, *OLD, TYPE)).lower()
    assert stamped(lower, STAMP) == Headers((*ROUTERS, *OWN, TYPE)).lower()


def test_the_route_cache_keeps_its_numbers() -> None:
    lower = Headers((*ROUTERS, *OLD, TYPE)).lower()
    assert cached(lower, STAMP) == lower
    assert [name for name, _ in cached(lower, OVER)][-2:] == ["retry-after", "content-type"]
    assert cached(cached(lower, OVER), STAMP) == lower


def test_what_was_refused_before_the_routers() -> None:
    assert is_before_routers(Headers((*ROUTERS[:2], TYPE)))
    assert not is_before_routers(Headers((*ROUTERS, TYPE)))
    assert not is_before_routers(Headers((TYPE,)))
