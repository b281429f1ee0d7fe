"""A flow that is handed over leads to this process for a while, and nobody sees it."""

from __future__ import annotations

import warnings

import pytest

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer

with warnings.catch_warnings():  # mitmproxy's imports use old names, which warn once
    warnings.simplefilter("ignore")
    from mitmproxy.test import tflow

    from peertape.addons.handoff import HEADER, Handoff, Incoming, Outgoing, outgoing


async def _unused(_: Incoming) -> Outgoing:
    raise AssertionError("nobody asked")


@pytest.mark.parametrize("host_header", ["app.localhost:8990", None])
def test_a_flow_shows_its_own_destination_again(host_header: str | None) -> None:
    handoff, flow = Handoff(), tflow.tflow()
    flow.request.host, flow.request.port, flow.request.scheme = "tube.example", 443, "https"
    if host_header is None:
        flow.request.headers.pop("host", None)
    else:
        flow.request.headers["Host"] = host_header
    handoff.take(flow, _unused)
    assert (flow.request.scheme, flow.request.host, flow.request.port) == ("http", "127.0.0.1", handoff.port)
    assert flow.request.headers.get("host") == host_header
    handoff.give_back(flow)
    assert (flow.request.scheme, flow.request.host, flow.request.port) == ("https", "tube.example", 443)
    assert flow.request.headers.get("host") == host_header
    assert HEADER not in flow.request.headers


def test_a_head_that_was_not_handed_over_stays() -> None:
    handoff, flow = Handoff(), tflow.tflow(resp=True)
    before = flow.response
    assert not handoff.headers_arrived(flow)
    assert flow.response is before


def test_an_answer_of_the_engine_streams() -> None:
    answer = outgoing(Answer(206, Headers((("X-A", "1"), ("Connection", "close"))), reason="Part"), tflow.tflow())
    assert (answer.head.status_code, answer.head.reason, answer.length) == (206, "Part", None)
    assert answer.head.headers.fields == ((b"X-A", b"1"),)
    assert callable(answer.head.stream)
