"""HAR files as Chrome, Firefox and Playwright write them."""

from __future__ import annotations

import gzip
import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import read
from peertape.cassettes.errors import ImportFailed
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange.har import read_har
from peertape.cassettes.interchange.report import ImportReport
from peertape.cassettes.model import Exchange, Message, RecordedResponse, State, Timing


def named(**values: str) -> list[dict[str, str]]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]


def entry(request: dict[str, Any] | None = None, response: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "startedDateTime": "2024-05-01T10:00:00.500Z",
        "time": 100,
        "request": {"method": "GET", "url": "https://p.example/a", "httpVersion": "h2", "headers": []}
        | (request or {}),
        "response": {
            "status": 200,
            "statusText": "",
            "httpVersion": "h2",
            "headers": [],
            "content": {"size": 2, "mimeType": "text/plain", "text": "ok"},
        }
        | (response or {}),
        "cache": {},
        "timings": {"blocked": 10, "dns": -1, "connect": 20, "ssl": 15, "send": 5, "wait": 40, "receive": 25},
    } | more


def reading(*entries: Any, report: ImportReport | None = None, beside: Path | None = None) -> list[Exchange]:
    document = {"log": {"version": "1.2", "entries": list(entries)}}
    return list(read_har(io.BytesIO(json.dumps(document).encode()), report, beside=beside))


def the_response(*entries: Any, beside: Path | None = None) -> tuple[RecordedResponse, State]:
    (exchange,) = reading(*entries, beside=beside)
    assert exchange.response is not None
    return exchange.response, exchange.state


class TestRequests:
    @pytest.mark.parametrize(
        ("url", "scheme", "authority", "target"),
        [
            ("https://p.example/a%20b?q=1#part", "https", "p.example", "/a%20b?q=1"),
            ("http://[::1]:9000", "http", "[::1]:9000", "/"),
            ("HTTPS://user:secret@p.example?x", "https", "p.example", "/?x"),
            ("wss://p.example/socket.io/", "https", "p.example", "/socket.io/"),
            ("http://p.example/é", "http", "p.example", "/\xc3\xa9"),
        ],
    )
    def test_the_address_is_taken_as_spelled(self, url: str, scheme: str, authority: str, target: str) -> None:
        (exchange,) = reading(entry({"url": url}))
        assert (exchange.request.scheme, exchange.request.authority, exchange.request.target) == (
            scheme,
            authority,
            target,
        )

    def test_pseudo_headers_are_no_headers(self) -> None:
        pseudo = [{"name": ":authority", "value": "other.example"}, {"name": ":method", "value": "GET"}]
        (exchange,) = reading(entry({"headers": pseudo + named(Accept="*/*")}))
        assert exchange.request.authority == "other.example"
        assert exchange.request.headers == Headers.of([("Accept", "*/*")])

    def test_the_host_header_is_the_authority(self) -> None:
        (exchange,) = reading(entry({"headers": named(host="told.example:1")}))
        assert exchange.request.authority == "told.example:1"

    @pytest.mark.parametrize(
        ("told", "version"),
        [
            ("h2", "HTTP/2.0"),
            ("HTTP/2", "HTTP/2.0"),
            ("http/2.0", "HTTP/2.0"),
            ("h3", "HTTP/3"),
            ("http/2+quic/46", "HTTP/3"),
            ("http/1.1", "HTTP/1.1"),
            ("HTTP/1.0", "HTTP/1.0"),
            ("", "HTTP/1.1"),
            ("unknown", "HTTP/1.1"),
        ],
    )
    def test_versions_have_one_spelling(self, told: str, version: str) -> None:
        (exchange,) = reading(entry({"httpVersion": told}, {"httpVersion": told}))
        assert exchange.request.http_version == version
        assert exchange.response is not None
        assert exchange.response.http_version == version

    @pytest.mark.parametrize(
        ("post", "body"),
        [
            ({"text": "é"}, "é".encode()),
            ({"text": "AP8=", "encoding": "base64"}, b"\x00\xff"),
            ({"params": named(a="1 2", b="&")}, b"a=1+2&b=%26"),
            ({"text": "", "params": named(a="1")}, b"a=1"),
            ({"text": "a=1", "params": named(a="2")}, b"a=1"),
        ],
    )
    def test_posted_data_has_several_forms(self, post: dict[str, Any], body: bytes) -> None:
        (exchange,) = reading(entry({"method": "POST", "postData": post, "headers": named(content_length="99")}))
        assert read(exchange.request.body) == body
        assert exchange.request.headers.get("content-length") == str(len(body))

    def test_a_multipart_form_is_built_from_its_fields(self) -> None:
        fields = [
            {"name": "a", "value": "1"},
            {"name": "f", "fileName": "x.txt", "contentType": "text/plain", "value": "y"},
        ]
        kind = "multipart/form-data; boundary=----B"
        (exchange,) = reading(entry({"headers": named(Content_Type=kind), "postData": {"params": fields}}))
        assert read(exchange.request.body) == (
            b'------B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            b'------B\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n'
            b"Content-Type: text/plain\r\n\r\ny\r\n"
            b"------B--\r\n"
        )

    @pytest.mark.parametrize(
        "request_",
        [
            {"bodySize": 5},
            {"headers": named(content_length="5")},
            {"postData": {"mimeType": "application/octet-stream", "text": ""}, "bodySize": 5},
            {
                "headers": named(content_type="multipart/form-data; boundary=B"),
                "postData": {"params": [{"name": "file", "fileName": "film.mp4"}]},
            },
        ],
    )
    def test_a_body_that_is_not_there_is_counted(self, request_: dict[str, Any]) -> None:
        report = ImportReport()
        reading(entry({"method": "POST", **request_}), entry(), report=report)
        assert (report.read, report.without_request_body) == (2, 1)

    def test_what_has_no_http_is_skipped_and_counted(self) -> None:
        report = ImportReport()
        urls = ["data:text/plain,x", "blob:https://p.example/1", "chrome-extension://x/y", "https://p.example/"]
        assert len(reading(*(entry({"url": url}) for url in urls), report=report)) == 1
        assert report.skipped == {"data": 1, "blob": 1, "chrome-extension": 1}


class TestResponses:
    @pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
    def test_a_body_that_the_browser_decoded_loses_its_coding(self, coding: str) -> None:
        headers = named(content_encoding=coding, Content_Length="17", Vary="Accept-Encoding")
        response, state = the_response(entry({}, {"headers": headers, "content": {"size": 4, "text": "text"}}))
        assert state is State.COMPLETE
        assert response.headers == Headers.of([("Content-Length", "4"), ("Vary", "Accept-Encoding")])
        assert read(response.body) == b"text"

    def test_a_body_of_the_declared_length_was_not_decoded(self) -> None:
        data = gzip.compress(b"text")
        headers = named(content_encoding="gzip", content_length=str(len(data)))
        content = {"size": 4, "text": b64encode(data).decode(), "encoding": "base64"}
        response, _ = the_response(entry({}, {"headers": headers, "content": content}))
        assert response.headers.get("content-encoding") == "gzip"
        assert read(response.body) == data

    @pytest.mark.parametrize(
        ("text", "headers", "body"),
        [
            ("é", named(content_type="text/html; charset=ISO-8859-1"), b"\xe9"),
            ("é", named(content_type="text/html; charset=rot13"), b"\xc3\xa9"),
            ("é", named(content_length="1"), b"\xe9"),
            ("WEBVTT", named(content_length="9"), b"\xef\xbb\xbfWEBVTT"),
            ("\udcff\udcfe", [], b"\xff\xfe"),
            ("\ud800", [], b"?"),
        ],
    )
    def test_text_becomes_the_octets_that_it_was(self, text: str, headers: list[Any], body: bytes) -> None:
        response, state = the_response(entry({}, {"headers": headers, "content": {"size": 1, "text": text}}))
        assert (read(response.body), state) == (body, State.COMPLETE)

    @pytest.mark.parametrize("status", [0, -1, None])
    @pytest.mark.parametrize("member", ["_error", "_failureText"])
    def test_no_status_is_a_failure(self, status: int | None, member: str) -> None:
        (exchange,) = reading(entry({}, {"status": status, "content": {}, member: "net::ERR_ABORTED"}))
        assert (exchange.state, exchange.response, exchange.error) == (State.FAILED, None, "net::ERR_ABORTED")
        assert exchange.timing.answered is None

    def test_no_response_at_all_is_a_failure(self) -> None:
        broken = entry()
        del broken["response"]
        assert reading(broken)[0].state is State.FAILED

    @pytest.mark.parametrize(
        ("response", "state"),
        [
            ({"content": {"size": 5}}, State.UNSTORED),
            ({"content": {"size": 5, "text": ""}}, State.UNSTORED),
            ({"content": {"size": 5, "encoding": "base64"}, "bodySize": -1}, State.UNSTORED),
            ({"content": {"size": -1, "comment": "Response bodies are not included."}}, State.UNSTORED),
            ({"content": {"size": -1}, "headers": named(content_length="0")}, State.COMPLETE),
            ({"content": {"size": 0}}, State.COMPLETE),
            ({"content": {"size": 0, "text": ""}}, State.COMPLETE),
            ({"content": {"size": -1}, "status": 304, "headers": named(content_length="5")}, State.COMPLETE),
            ({"content": {"size": 9, "text": "123456789"}, "headers": named(content_length="10")}, State.CUT),
            ({"content": {"size": 2, "text": "ok"}, "_error": "net::ERR_ABORTED"}, State.CUT),
            ({"content": {"size": 5}, "_error": "net::ERR_ABORTED"}, State.CUT),
        ],
    )
    def test_the_state_tells_whether_the_body_is_whole(self, response: dict[str, Any], state: State) -> None:
        report = ImportReport()
        assert [exchange.state for exchange in reading(entry({}, response), report=report)] == [state]
        assert report.incomplete == ({} if state is State.COMPLETE else {state: 1})

    def test_a_redirect_needs_no_body(self) -> None:
        headers = named(location="/there", content_length="30")
        response, state = the_response(entry({}, {"status": 302, "headers": headers, "content": {"size": -1}}))
        assert (state, response.headers.get("content-length")) == (State.COMPLETE, "0")

    def test_a_304_is_not_what_the_cache_showed(self) -> None:
        headers = named(content_encoding="gzip")
        response, _ = the_response(entry({}, {"status": 304, "headers": headers}))
        assert (response.body.size, response.headers.get("content-encoding")) == (0, "gzip")

    def test_headers_that_a_browser_joined_are_parted(self) -> None:
        response, _ = the_response(entry({}, {"headers": named(set_cookie="a=1\nb=2")}))
        assert response.headers.get_all("set-cookie") == ("a=1", "b=2")

    def test_a_body_in_a_file_beside_is_found(self, tmp_path: Path) -> None:
        beside, outside = tmp_path / "hars", tmp_path / "outside.dat"
        beside.mkdir()
        (beside / "sum.dat").write_bytes(b"\x00beside")
        outside.write_bytes(b"secret")
        response, state = the_response(entry({}, {"content": {"size": 7, "_file": "sum.dat"}}), beside=beside)
        assert (read(response.body), state) == (b"\x00beside", State.COMPLETE)
        for name in ("none.dat", "../outside.dat", str(outside)):
            _, state = the_response(entry({}, {"content": {"size": 7, "_file": name}}), beside=beside)
            assert state is State.UNSTORED


class TestTimes:
    def test_the_phases_follow_one_another(self) -> None:
        (exchange,) = reading(entry())
        started = 1714557600.5
        assert exchange.timing.started == started
        times = [exchange.timing.sent, exchange.timing.answering, exchange.timing.answered]
        assert times == pytest.approx([started + 0.035, started + 0.075, started + 0.1], abs=1e-6)

    def test_without_phases_the_whole_counts(self) -> None:
        (exchange,) = reading(entry(timings={"send": -1, "wait": -1, "receive": -1}))
        assert exchange.timing == Timing(1714557600.5, None, None, 1714557600.6)
        (unknown,) = reading(entry(timings={}, time=-1, startedDateTime="2024-05-01T12:00:00.5+02:00"))
        assert unknown.timing == Timing(1714557600.5)


def test_websocket_messages_of_chrome() -> None:
    told = [
        {"type": "send", "time": 1.5, "opcode": 1, "data": "hé"},
        {"type": "receive", "time": 2.5, "opcode": 2, "data": "AP8="},
        {"type": "receive", "time": 2.6, "opcode": 9, "data": ""},
        {"type": "error", "time": 3, "opcode": -1, "data": "closed"},
    ]
    (exchange,) = reading(entry({"url": "ws://p.example/s"}, {"status": 101, "content": {}}, _webSocketMessages=told))
    assert exchange.messages == (Message(1.5, True, True, "hé".encode()), Message(2.5, False, False, b"\x00\xff"))
    assert exchange.state is State.COMPLETE


class TestBrokenFiles:
    @pytest.mark.parametrize(
        "data", [b"", b"{", b"\xff", b"[]", b"{}", b'{"log": []}', b'{"log": {"entries": {}}}', b"[" * 100_000]
    )
    def test_what_is_no_har_is_refused(self, data: bytes) -> None:
        with pytest.raises(ImportFailed, match="no HAR file"):
            list(read_har(io.BytesIO(data)))

    def test_what_came_before_a_broken_entry_is_read(self) -> None:
        document = {"log": {"entries": [entry(), {"request": {}}]}}
        exchanges = read_har(io.BytesIO(json.dumps(document).encode()))
        next(exchanges)
        with pytest.raises(ImportFailed, match="entry 2 cannot be understood"):
            next(exchanges)

    @given(path=st.sampled_from(["", "request", "response", "response.content", "timings"]), data=st.data())
    def test_damage_is_never_another_exception(self, path: str, data: st.DataObject) -> None:
        broken = json.loads(json.dumps(entry({"postData": {"text": "x"}}, _webSocketMessages=[], _peertape={})))
        place = broken
        for name in filter(None, path.split(".")):
            place = place[name]
        junk = st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        )
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(junk)
        try:
            reading(broken)
        except ImportFailed as error:
            assert "entry 1 cannot be understood" in str(error)  # noqa: PT017 - reading it is as good


def test_progress_ends_with_the_file() -> None:
    data = json.dumps({"log": {"entries": [entry()] * 3}}).encode()
    told = list[int]()
    assert len(list(read_har(io.BytesIO(b"\xef\xbb\xbf" + data), progress=told.append))) == 3
    assert told == sorted(told)
    assert told[-1] == len(data) + 3
