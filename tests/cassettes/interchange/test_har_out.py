"""HAR files as we write them, and those of mitmproxy, which can be had without a browser."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

from mitmproxy import http
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.flow import Flow
from mitmproxy.io import FlowReader
from mitmproxy.test import tflow, tutils
from support import samples

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange.har import read_har, write_har
from peertape.cassettes.interchange.report import ImportReport
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, State, Timing


def saved(*flows: Flow) -> io.BytesIO:
    return io.BytesIO(json.dumps(SaveHar().make_har(flows)).encode())


def written(*exchanges: Exchange) -> bytes:
    file = io.BytesIO()
    write_har(exchanges, file)
    return file.getvalue()


def entries_of(data: bytes) -> Any:
    return json.loads(data)["log"]["entries"]


def test_a_tunnel_that_was_refused_is_written_and_left_out_when_it_is_read() -> None:
    file, report = written(samples.made(1, "CONNECT", "", 400)), ImportReport()
    (entry,) = entries_of(file)
    assert (entry["request"]["method"], entry["response"]["status"]) == ("CONNECT", 400)
    assert [*read_har(io.BytesIO(file), report)] == []
    assert report.skipped["connect"] == 1


class TestMitmproxy:
    def test_what_it_saves_can_be_read(self) -> None:
        report = ImportReport()
        connect = tflow.tflow(req=tutils.treq(method=b"CONNECT", authority=b"h:443"), resp=True)
        flows = [tflow.tflow(resp=True), tflow.tflow(err=True), tflow.twebsocketflow(), connect]
        plain, failed, socket = read_har(saved(*flows), report)
        assert plain.response is not None
        assert (plain.state, read(plain.response.body)) == (State.COMPLETE, b"message")
        assert (failed.state, failed.error) == (State.FAILED, "error")
        assert [message.content for message in socket.messages] == [b"hello binary", b"hello text", b"it's me"]
        assert report.skipped == {"connect": 1}

    def test_a_binary_upload_survives(self) -> None:
        data = bytes(range(256))
        headers = http.Headers(((b"content-type", b"application/octet-stream"), (b"content-length", b"256")))
        flow = tflow.tflow(req=tutils.treq(method=b"POST", content=data, headers=headers), resp=True)
        (exchange,) = read_har(saved(flow))
        assert read(exchange.request.body) == data

    def test_what_we_write_it_can_read(self) -> None:
        request = RecordedRequest(
            "POST", "/a?b=c", "https", "p.example", "HTTP/1.1", Headers.of([("Host", "p.example")]), BytesBody(b"x=1")
        )
        packed = Headers.of([("content-type", "text/plain; charset=utf-8"), ("Content-Encoding", "gzip")])
        response = RecordedResponse(201, "Created", "HTTP/1.1", packed, BytesBody(gzip.compress("é".encode())))
        data = written(
            Exchange(request, response, Timing(1.0, 2.0, 3.0, 4.0)),
            Exchange(request, response, Timing(1.0), State.CUT),
            Exchange(request, None, Timing(1.0), State.FAILED),
        )
        flows = [flow for flow in FlowReader(io.BytesIO(data)).stream() if isinstance(flow, http.HTTPFlow)]
        assert [flow.request.pretty_url for flow in flows] == ["https://p.example/a?b=c"] * 3
        assert flows[0].request.content == b"x=1"
        assert flows[0].response is not None
        assert (flows[0].response.status_code, flows[0].response.text) == (201, "é")


class TestWriting:
    REQUEST = RecordedRequest("GET", "/a?b=%20c&d", "http", "h", "HTTP/1.1", Headers.of([("Cookie", "a=1; b=2")]))

    def one(self, exchange: Exchange) -> Any:
        data = written(exchange)
        assert list(read_har(io.BytesIO(data))) == [exchange]
        (told,) = entries_of(data)
        return told

    def answered(self, body: bytes, *headers: tuple[str, str], **more: Any) -> Exchange:
        response = RecordedResponse(200, "OK", "HTTP/1.1", Headers.of(headers), BytesBody(body))
        return Exchange(self.REQUEST, response, Timing(1.0, 1.0, 1.0, 1.0), **more)

    def test_what_har_can_say_needs_nothing_of_ours(self) -> None:
        told = self.one(self.answered("é".encode(), ("Content-Length", "2"), ("Content-Type", "text/html")))
        assert "_peertape" not in told
        assert told["response"]["content"] == {"size": 2, "compression": 0, "mimeType": "text/html", "text": "é"}
        assert told["request"]["url"] == "http://h/a?b=%20c&d"
        assert told["request"]["queryString"] == [{"name": "b", "value": " c"}, {"name": "d", "value": ""}]
        assert told["request"]["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]

    def test_binary_is_base64(self) -> None:
        told = self.one(self.answered(b"\x00\xff"))
        assert (told["response"]["content"]["text"], told["response"]["content"]["encoding"]) == ("AP8=", "base64")

    def test_a_coded_body_is_decoded_for_others_and_kept_for_us(self) -> None:
        data = gzip.compress(b"text")
        told = self.one(self.answered(data, ("content-encoding", "gzip"), ("content-length", str(len(data)))))
        assert told["response"]["content"]["text"] == "text"
        assert told["response"]["headers"][0] == {"name": "content-encoding", "value": "gzip"}
        assert set(told["_peertape"]) == {"response.body", "response.headers"}

    def test_a_body_that_was_not_kept_is_absent(self) -> None:
        told = self.one(self.answered(b"", ("Content-Length", "9"), state=State.UNSTORED))
        assert told["response"]["content"] == {"size": 9, "mimeType": "x-unknown"}
        assert "_peertape" not in told

    def test_errors_are_shown(self) -> None:
        assert self.one(self.answered(b"x", state=State.CUT))["response"]["_error"] == "cut while recording"
        failed = Exchange(self.REQUEST, None, Timing(1.0), State.FAILED, error="refused")
        response = self.one(failed)["response"]
        assert (response["status"], response["_error"]) == (0, "refused")

    def test_every_member_that_the_format_wants_is_there(self) -> None:
        data = written(self.answered(b"x"), Exchange(self.REQUEST, None, Timing(1.0), State.FAILED))
        log = json.loads(data)["log"]
        assert (log["version"], log["creator"]["name"]) == ("1.2", "peertape")
        for told in log["entries"]:
            assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(told)
            shared = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
            assert shared | {"method", "url", "queryString"} <= set(told["request"])
            assert shared | {"status", "statusText", "content", "redirectURL"} <= set(told["response"])
            assert {"send", "wait", "receive"} <= set(told["timings"])

    def test_lone_surrogates_stay_json(self) -> None:
        self.one(self.answered(b"x", state=State.CUT, error="\ud800"))

    def test_nothing_written_is_an_empty_log(self) -> None:
        assert entries_of(written()) == []
