from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from peertape.cassettes.errors import CassetteReadOnly, DiskFull, ImportFailed
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange.formats import Format, detect, format_of, read, write
from peertape.cassettes.interchange.report import ImportReport
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing

EXCHANGE = Exchange(
    RecordedRequest("GET", "/", "http", "h", "HTTP/1.1", Headers.of([("Host", "h")])),
    RecordedResponse(204, "No Content", "HTTP/1.1", Headers()),
    Timing(1.0, 2.0, 3.0, 4.0),
)
BOTH = pytest.mark.parametrize("format_", list(Format))


def flow_file() -> bytes:
    file = io.BytesIO()
    FlowWriter(file).add(tflow.tflow(resp=True))
    return file.getvalue()


class TestDetect:
    @pytest.mark.parametrize(
        ("data", "format_"),
        [
            (flow_file(), Format.MITMPROXY),
            (b'{"log": {"entries": []}}', Format.HAR),
            (b'\xef\xbb\xbf \n{\n "log" : {', Format.HAR),
            (b'{"comment": "x", "log": {', Format.HAR),
        ],
    )
    def test_the_content_tells(self, data: bytes, format_: Format) -> None:
        file = io.BytesIO(data)
        assert detect(file) is format_
        assert file.tell() == 0

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (b"SQLite format 3\0 ...", "cassette merge"),
            (b"PK\x03\x04", "ZIP archive"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"10:30 breakfast", "neither a mitmproxy flow file nor JSON"),
            (b"[1, 2]", "neither a mitmproxy flow file nor JSON"),
            (b'{"mockoon": 1}', "no HAR file"),
        ],
    )
    def test_what_it_is_not_is_said_with_what_can_be_read(self, data: bytes, sentence: str) -> None:
        with pytest.raises(ImportFailed, match=sentence) as failure:
            detect(io.BytesIO(data))
        assert "mitmproxy flow files and HAR files" in str(failure.value)


class TestFormatOf:
    @pytest.mark.parametrize("suffix", [".mitm", ".flow", ".flows", ".dump", ".DUMP"])
    def test_names_of_flow_files(self, suffix: str) -> None:
        assert format_of(Path(f"x{suffix}")) is Format.MITMPROXY

    def test_the_option_wins(self) -> None:
        assert format_of(Path("x.har")) is Format.HAR
        assert format_of(Path("x.har"), "mitmproxy") is Format.MITMPROXY
        assert format_of(Path("-"), "har") is Format.HAR

    def test_what_is_unknown_is_named(self) -> None:
        with pytest.raises(ImportFailed, match=r"no format 'vcr'; the formats are mitmproxy, har"):
            format_of(Path("x.har"), "vcr")
        with pytest.raises(ImportFailed, match=r"x\.yaml does not tell a format"):
            format_of(Path("x.yaml"))


class TestFiles:
    @BOTH
    def test_there_and_back(self, tmp_path: Path, format_: Format) -> None:
        path = tmp_path / "recording"
        assert write([EXCHANGE, EXCHANGE], path, format_) == 2
        told, report = list[int](), ImportReport()
        assert list(read(path, told.append, report)) == [EXCHANGE, EXCHANGE]
        assert (len(told), told[-1], report.read) == (2, path.stat().st_size, 2)
        assert [entry.name for entry in tmp_path.iterdir()] == ["recording"]

    def test_failures_name_the_file(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken.mitm"
        broken.write_bytes(flow_file()[:-5])
        with pytest.raises(ImportFailed, match=r"broken\.mitm: the file is cut off"):
            list(read(broken))
        with pytest.raises(ImportFailed, match=r"none\.har cannot be read: No such file"):
            list(read(tmp_path / "none.har"))

    @BOTH
    @pytest.mark.parametrize(
        "trouble", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space"), OSError(errno.EIO, "I/O")]
    )
    def test_nothing_half_written_stays(self, tmp_path: Path, format_: Format, trouble: BaseException) -> None:
        path = tmp_path / "x"
        path.write_text("old")

        def breaking() -> Iterator[Exchange]:
            yield EXCHANGE
            raise trouble

        full = isinstance(trouble, OSError) and trouble.errno == errno.ENOSPC
        wanted = type(trouble) if not isinstance(trouble, OSError) else DiskFull if full else CassetteReadOnly
        with pytest.raises(wanted):
            write(breaking(), path, format_)
        assert path.read_text() == "old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["x"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
    def test_a_full_disk_is_told(self) -> None:
        with pytest.raises(DiskFull, match="no room on the disk for /dev/full"):
            write([EXCHANGE], Path("/dev/full"), Format.HAR)

    def test_a_folder_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(CassetteReadOnly, match="cannot be written: No such file or directory"):
            write([EXCHANGE], tmp_path / "none" / "x.har", Format.HAR)

    def test_a_link_stays_a_link(self, tmp_path: Path) -> None:
        target, link = tmp_path / "target.har", tmp_path / "link.har"
        target.write_text("old")
        link.symlink_to(target)
        write([EXCHANGE], link, Format.HAR)
        assert link.is_symlink()
        assert list(read(target)) == [EXCHANGE]


class TestStandardStreams:
    @BOTH
    def test_a_pipe_is_read_and_written(self, monkeypatch: pytest.MonkeyPatch, format_: Format) -> None:
        source, sink = os.pipe()
        with os.fdopen(sink, "w") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            write([EXCHANGE], Path("-"), format_)
            monkeypatch.undo()
        with os.fdopen(source) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            told = list[int]()
            assert list(read(Path("-"), told.append)) == [EXCHANGE]
            monkeypatch.undo()
        assert told == []
