from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.flow import Flow
from mitmproxy.io import FlowReader, FlowWriter, tnetstring
from mitmproxy.test import tflow, tutils

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.errors import ImportFailed
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange import formats
from peertape.cassettes.interchange.flows import exchange_of, flow_of, read_flows, write_flows
from peertape.cassettes.interchange.report import ImportReport
from peertape.cassettes.model import Closing, Exchange, RecordedRequest, RecordedResponse, State, Timing


def saved(*flows: Flow) -> io.BytesIO:
    file = io.BytesIO()
    for flow in flows:
        FlowWriter(file).add(flow)
    file.seek(0)
    return file


def flow_with(
    request: dict[str, Any] | None = None, response: dict[str, Any] | None = None, **flow: Any
) -> http.HTTPFlow:
    if response is not None:
        flow["resp"] = tutils.tresp(**response)
    return tflow.tflow(req=tutils.treq(**(request or {})), **flow)


def fields(*pairs: tuple[bytes, bytes]) -> http.Headers:
    return http.Headers(pairs)


def exchange(state: State = State.COMPLETE, error: str | None = None, **request: Any) -> Exchange:
    told = {"method": "GET", "target": "/", "scheme": "http", "authority": "h", "http_version": "HTTP/1.1"}
    return Exchange(
        request=RecordedRequest(**{**told, "headers": Headers(), **request}),
        response=None
        if state is State.FAILED
        else RecordedResponse(200, "OK", "HTTP/1.1", Headers(), BytesBody(b"part")),
        timing=Timing(10.0, 11.0, 12.0, 13.0) if state is not State.FAILED else Timing(10.0),
        state=state,
        error=error,
    )


class TestReading:
    def test_everything_on_the_wire_is_kept_as_it_was(self) -> None:
        sent = fields((b"HOST", b"p.example:9100"), (b"X-A", b"\xe9"), (b"x-a", b"2"))
        came = fields((b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"Transfer-Encoding", b"chunked"))
        trailers = fields((b"X-Sum", b"1"))
        flow = flow_with(
            {"method": b"get", "path": b"/a%20b?q=\xe9", "headers": sent, "content": b"\x00\xff"},
            {"status_code": 404, "reason": b"N\xe9", "headers": came, "content": b"\x1f\x8b", "trailers": trailers},
        )
        (read_again,) = read_flows(saved(flow))
        assert read_again == Exchange(
            request=RecordedRequest(
                method="get",
                target="/a%20b?q=\xe9",
                scheme="http",
                authority="p.example:9100",
                http_version="HTTP/1.1",
                headers=Headers.of([("HOST", "p.example:9100"), ("X-A", "\xe9"), ("x-a", "2")]),
                body=BytesBody(b"\x00\xff"),
            ),
            response=RecordedResponse(
                status=404,
                reason="N\xe9",
                http_version="HTTP/1.1",
                headers=Headers.of([("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("Transfer-Encoding", "chunked")]),
                body=BytesBody(b"\x1f\x8b"),
                trailers=Headers.of([("X-Sum", "1")]),
            ),
            timing=Timing(946681200, 946681201, 946681202, 946681203),
        )

    @pytest.mark.parametrize(
        ("request_", "authority"),
        [
            ({"http_version": b"HTTP/2.0", "authority": b"two.example"}, "two.example"),
            ({"authority": b"absolute.example:8080"}, "absolute.example:8080"),
            ({"authority": b"a.example", "headers": fields((b"Host", b"b.example"))}, "b.example"),
            ({"host": "c.example", "port": 8080}, "c.example:8080"),
            ({"host": "c.example", "port": 443, "scheme": b"https"}, "c.example"),
            ({"host": "::1", "port": 9000}, "[::1]:9000"),
        ],
    )
    def test_the_authority_is_what_the_instance_was_told(self, request_: dict[str, Any], authority: str) -> None:
        assert exchange_of(flow_with({"headers": fields(), **request_})).request.authority == authority

    def test_only_http_flows_become_exchanges_and_the_rest_is_counted(self) -> None:
        connect = flow_with({"method": b"CONNECT", "authority": b"h:443"}, {})
        report = ImportReport()
        flows = [
            tflow.ttcpflow(),
            tflow.tflow(resp=True),
            tflow.tdnsflow(),
            tflow.tudpflow(),
            connect,
            tflow.tflow(err=True),
        ]
        states = [exchange.state for exchange in read_flows(saved(*flows), report)]
        assert states == [State.COMPLETE, State.FAILED]
        assert report.read == 2
        assert report.incomplete == {State.FAILED: 1}
        assert report.skipped == {"tcp": 1, "dns": 1, "udp": 1, "connect": 1}

    def test_no_response_is_a_failure_with_its_reason(self) -> None:
        failed = exchange_of(tflow.tflow(err=True))
        assert (failed.state, failed.response, failed.error) == (State.FAILED, None, "error")
        assert failed.timing == Timing(946681200, 946681201)
        assert exchange_of(tflow.tflow()).error is None

    @pytest.mark.parametrize(
        ("method", "response", "state"),
        [
            (b"GET", {"content": None}, State.CUT),
            (b"GET", {"headers": fields((b"Content-Length", b"8"))}, State.COMPLETE),
            (b"GET", {"headers": fields((b"Content-Length", b"7"))}, State.COMPLETE),
            (b"GET", {"headers": fields((b"Content-Length", b"6"))}, State.COMPLETE),
            (b"GET", {"headers": fields((b"Content-Length", b"eight"))}, State.COMPLETE),
            (
                b"GET",
                {"headers": fields((b"Content-Length", b"8"), (b"Transfer-Encoding", b"chunked"))},
                State.COMPLETE,
            ),
            (b"HEAD", {"headers": fields((b"Content-Length", b"8")), "content": b""}, State.COMPLETE),
            (
                b"GET",
                {"headers": fields((b"Content-Length", b"8")), "content": b"", "status_code": 304},
                State.COMPLETE,
            ),
            (
                b"GET",
                {"headers": fields((b"Content-Length", b"8")), "content": b"", "status_code": 204},
                State.COMPLETE,
            ),
            (
                b"GET",
                {"headers": fields((b"Content-Length", b"8")), "content": b"", "status_code": 101},
                State.COMPLETE,
            ),
        ],
    )
    def test_a_body_that_is_not_whole_makes_it_cut(self, method: bytes, response: dict[str, Any], state: State) -> None:
        assert exchange_of(flow_with({"method": method}, response)).state is state

    def test_an_error_after_the_response_began_makes_it_cut(self) -> None:
        cut = exchange_of(tflow.tflow(resp=True, err=True))
        assert (cut.state, cut.error) == (State.CUT, "error")
        assert cut.response is not None
        assert read(cut.response.body) == b"message"

    def test_websocket_messages_keep_direction_kind_and_time(self) -> None:
        flow = tflow.twebsocketflow()
        assert flow.websocket is not None
        flow.websocket.messages[1].dropped = True
        told = exchange_of(flow)
        assert told.state is State.COMPLETE
        assert [(m.at, m.from_client, m.is_text, m.content) for m in told.messages] == [
            (946681203, True, False, b"hello binary"),
            (946681205, False, True, b"it's me"),
        ]

    def test_how_a_websocket_was_closed(self) -> None:
        flow = tflow.twebsocketflow()
        assert flow.websocket is not None
        flow.websocket.closed_by_client, flow.websocket.close_code = False, 4001
        flow.websocket.close_reason, flow.websocket.timestamp_end = "enough", 946681206.5
        closing = exchange_of(flow).closing
        assert closing == Closing(946681206.5, from_client=False, code=4001, reason="enough")

    def test_an_empty_file_has_no_exchanges(self) -> None:
        assert list(read_flows(io.BytesIO())) == []

    def test_progress_is_the_position_after_each_flow(self) -> None:
        file, told = saved(tflow.tflow(resp=True), tflow.ttcpflow(), tflow.tflow()), list[int]()
        list(read_flows(file, progress=told.append))
        assert told == sorted(told)
        assert (len(told), told[-1]) == (3, len(file.getvalue()))


class TestMemory:
    """mitmproxy leaves its flows in reference cycles, which must not pile up."""

    FLOWS, SIZE = 24, 8 * 1024 * 1024

    def many(self) -> Iterator[Exchange]:
        for number in range(self.FLOWS):
            body = BytesBody(bytes([number]) * self.SIZE)
            yield Exchange(exchange().request, RecordedResponse(200, "OK", "HTTP/1.1", Headers(), body), Timing(1.0))

    def test_it_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "big.mitm"
        tracemalloc.start()
        try:
            with path.open("wb") as file:
                write_flows(self.many(), file)
            with path.open("rb") as file:
                assert sum(1 for _ in read_flows(file)) == self.FLOWS
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < self.FLOWS * self.SIZE * 0.7


class TestBrokenFiles:
    def test_what_was_whole_is_read_wherever_the_file_is_cut(self) -> None:
        first, both = saved(tflow.tflow(resp=True)).getvalue(), saved(tflow.tflow(resp=True), tflow.tflow()).getvalue()
        for end in range(len(first) + 1, len(both), 97):
            exchanges = read_flows(io.BytesIO(both[:end]))
            next(exchanges)
            with pytest.raises(ImportFailed, match="cut off or damaged after 1 whole flows"):
                next(exchanges)

    @pytest.mark.parametrize(
        "data", [b'{"log": {"entries": []}}', b"GET / HTTP/1.1", b"12:GET / HTTP/1,", b"5:hello,", b"0:}"]
    )
    def test_another_file_is_refused(self, data: bytes) -> None:
        with pytest.raises(ImportFailed):
            list(read_flows(io.BytesIO(data)))

    @given(at=st.integers(0), octet=st.binary(min_size=1, max_size=3))
    def test_damage_is_never_another_exception(self, at: int, octet: bytes) -> None:
        data = bytearray(WHOLE)
        at %= len(data)
        data[at : at + len(octet)] = octet
        with suppress(ImportFailed):
            list(read_flows(io.BytesIO(bytes(data))))

    def test_malformed_members_of_ours_are_refused(self) -> None:
        flow = tflow.tflow(resp=True)
        flow.metadata["peertape"] = {"request.headers": [1, 2]}
        with pytest.raises(ImportFailed, match=r"flow 1 cannot be understood: .*headers is malformed"):
            list(read_flows(saved(flow)))

    def test_a_newer_version_is_named(self) -> None:
        state = tflow.tflow().get_state() | {"version": 9999}
        with pytest.raises(ImportFailed, match="please update mitmproxy"):
            list(read_flows(io.BytesIO(tnetstring.dumps(state))))


WHOLE = saved(tflow.tflow(resp=True), tflow.twebsocketflow()).getvalue()


class TestWriting:
    def loaded(self, exchanges: Iterable[Exchange]) -> list[http.HTTPFlow]:
        file = io.BytesIO()
        write_flows(exchanges, file)
        file.seek(0)
        return [flow for flow in FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]

    @pytest.mark.parametrize(
        ("scheme", "authority", "host", "port"),
        [
            ("http", "p.example", "p.example", 80),
            ("https", "p.example", "p.example", 443),
            ("http", "p.example:9000", "p.example", 9000),
            ("https", "[2001:db8::1]:9000", "2001:db8::1", 9000),
            ("https", "[2001:db8::1]", "2001:db8::1", 443),
        ],
    )
    def test_the_server_is_the_authority(self, scheme: str, authority: str, host: str, port: int) -> None:
        (flow,) = self.loaded([exchange(scheme=scheme, authority=authority)])
        assert (flow.request.host, flow.request.port) == (host, port)
        assert flow.server_conn.address == (host, port)

    def test_headers_stand_as_they_are(self) -> None:
        headers = Headers.of([("HOST", "p.example"), ("A", "1"), ("a", "\xff")])
        (flow,) = self.loaded([exchange(headers=headers, target="/x?y=\xe9")])
        assert flow.request.headers.fields == ((b"HOST", b"p.example"), (b"A", b"1"), (b"a", b"\xff"))
        assert flow.request.data.path == b"/x?y=\xe9"
        assert flow.request.first_line_format == "relative"

    def test_http_2_has_its_authority(self) -> None:
        (flow,) = self.loaded([exchange(http_version="HTTP/2.0", authority="p.example")])
        assert (flow.request.authority, flow.request.pretty_url) == ("p.example", "http://p.example/")

    @pytest.mark.parametrize(
        ("incomplete", "message"),
        [
            (exchange(State.CUT), "cut while recording"),
            (exchange(State.CUT, "peer went away"), "peer went away"),
            (exchange(State.OPEN), "cut while recording"),
            (exchange(State.FAILED), "no response was recorded"),
            (exchange(State.FAILED, "refused"), "refused"),
        ],
    )
    def test_what_is_incomplete_shows_an_error(self, incomplete: Exchange, message: str) -> None:
        (flow,) = self.loaded([incomplete])
        assert flow.error is not None
        assert flow.error.msg == message
        assert flow.response is None or flow.response.raw_content == b"part"

    def test_a_body_that_was_not_kept_is_missing(self) -> None:
        unstored = Exchange(
            exchange().request, RecordedResponse(200, "OK", "HTTP/1.1", Headers()), Timing(1.0), State.UNSTORED
        )
        (flow,) = self.loaded([unstored])
        assert flow.response is not None
        assert flow.response.raw_content is None
        assert exchange_of(flow) == unstored

    def test_a_plain_exchange_needs_no_metadata(self) -> None:
        plain = exchange(headers=Headers.of([("Host", "h")]))
        assert flow_of(plain).metadata == {}
        assert flow_of(exchange()).error is None

    def test_the_comment_names_the_exchange(self) -> None:
        numbered = Exchange(exchange().request, exchange().response, Timing(1.0), id=42)
        assert flow_of(numbered).comment == "peertape exchange 42"


def test_an_empty_file_is_a_recording_of_no_traffic(tmp_path: Path) -> None:
    (tmp_path / "empty.mitm").write_bytes(b"")
    assert list(formats.read(tmp_path / "empty.mitm")) == []
