"""`peertape ca` as its users run it."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.process import PROGRAM

from peertape.proxy.cli.ca import FORMATS, advices

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path that a shell would take apart, if it were not quoted."""
    folder = tmp_path_factory.mktemp("ca") / "it's a home"
    folder.mkdir()
    return folder


@pytest.fixture
def ca(home: Path) -> Run:
    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("PEERTAPE_")}
        return subprocess.run(
            [PROGRAM, "ca", *map(str, arguments)],
            cwd=home,
            env=known | {"HOME": str(home)} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_what_it_says_first(ca: Run, tmp_path: Path) -> None:
    first, again = ca("--confdir", tmp_path / "new"), ca(PEERTAPE_CONFDIR=str(tmp_path / "new"))
    assert first.returncode == again.returncode == 0
    assert first.stderr == f"A certificate authority was made in {tmp_path / 'new'}.\n"
    assert again.stderr == ""
    assert first.stdout == again.stdout
    certificate = tmp_path / "new" / "mitmproxy-ca-cert.pem"
    assert f"certificate  {certificate}\n" in first.stdout
    shown = re.search(r"SHA-256 +([0-9A-F:]+)\n", first.stdout)
    known = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    assert shown is not None
    assert shown[1].replace(":", "").lower() == hashlib.sha256(known).hexdigest()
    for advice in advices():
        assert f"\n  {advice.name} " in first.stdout


def test_the_path_alone(ca: Run, home: Path) -> None:
    done = ca("--path")
    assert done.stdout == f"{home}/.mitmproxy/mitmproxy-ca-cert.pem\n"
    assert Path(done.stdout.strip()).read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("name", [advice.name for advice in advices()])
def test_a_section(ca: Run, name: str) -> None:
    done = ca(name, PEERTAPE_LISTEN="127.0.0.1:7001", PEERTAPE_FORWARD="127.0.0.1:7002")
    assert done.returncode == 0
    assert not re.search(r"\{(pem|spki|fingerprint|android|port|forward)", done.stdout)
    (advice,) = (advice for advice in advices() if advice.name == name)
    assert done.stdout.startswith(f"{advice.title}\n\n  ")
    if "{pem}" in advice.text and name != "firefox":
        assert "/it'\"'\"'s a home/.mitmproxy/mitmproxy-ca-cert.pem" in done.stdout
    assert ("{port}" in advice.text) == ("7001" in done.stdout)
    assert ("{forward}" in advice.text) == ("7002" in done.stdout)


def test_several_sections_and_all(ca: Run) -> None:
    assert ca("Node", "java").stdout.count("\n\n\n") == 0
    everything = ca("all").stdout
    assert all(advice.title in everything for advice in advices())


def test_a_section_that_is_not_there(ca: Run) -> None:
    done = ca("amiga")
    assert done.returncode == 2
    assert "debian, fedora" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("ending", FORMATS)
def test_an_export_has_the_certificate_and_no_key(ca: Run, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"peertape{ending.upper()}"
    done = ca("--export", file)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    path = Path(ca("--path").stdout.strip())
    wanted = x509.load_pem_x509_certificate(path.read_bytes())
    octets = file.read_bytes()
    assert b"PRIVATE" not in octets
    if ending in (".pem", ".crt"):
        assert x509.load_pem_x509_certificate(octets) == wanted
    elif ending in (".cer", ".der"):
        assert x509.load_der_x509_certificate(octets) == wanted
    else:
        assert len(octets) < path.with_name("mitmproxy-ca.pem").stat().st_size


def test_exports_that_cannot_be(ca: Run, home: Path, tmp_path: Path) -> None:
    ca("--path")
    key = home / ".mitmproxy" / "mitmproxy-ca.pem"
    before = key.read_bytes()
    for file, reason in (
        (tmp_path / "peertape.txt", ".p12"),
        (tmp_path / "no" / "folder.pem", "No such file"),
        (key, "mitmproxy's own folder"),
        (Path(".mitmproxy/mitmproxy-ca.pem"), "mitmproxy's own folder"),
    ):
        done = ca("--export", file)
        assert done.returncode == 2
        assert reason in done.stderr
    assert key.read_bytes() == before


def test_warnings(ca: Run, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    ca("--confdir", folder)
    (folder / "mitmproxy-ca.pem").chmod(0o644)
    done = ca("--confdir", folder, "--path")
    assert done.returncode == 0
    assert f"chmod 600 {folder}/mitmproxy-ca.pem" in done.stderr


def test_trouble_is_a_sentence(ca: Run, tmp_path: Path) -> None:
    (tmp_path / "mitmproxy-ca.pem").write_text("nothing")
    done = ca("--confdir", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
