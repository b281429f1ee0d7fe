"""What `peertape ca` says is pasted into a shell, and the clients that it speaks of trust a replay then."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.clients import program
from support.process import PROGRAM, Peertape

Shell = Callable[..., subprocess.CompletedProcess[str]]

FETCH = {
    "urllib": "import urllib.request as u; print(u.urlopen('{url}').read().decode())",
    "httpx": "import httpx; print(httpx.get('{url}').text)",
    "requests": "import requests; print(requests.get('{url}').text)",
}
JAVA = """
import java.net.URI;
import java.net.http.*;

class Fetch {
    public static void main(String[] given) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(given[0])).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.version() + " " + answer.body());
    }
}
"""


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peertape]:
    folder = tmp_path_factory.mktemp("trust") / "it's a home"  # the commands have to quote it
    folder.mkdir()
    process = Peertape(folder, "replay", "--limits", "off", "--listen", "127.0.0.1:0", "--forward", "127.0.0.1:0")
    yield process
    process.kill()


@pytest.fixture(scope="module")
def url(replay: Peertape) -> str:
    return f"https://127.0.0.1:{replay.port}/api/v1/ping"


@pytest.fixture
def shell(replay: Peertape) -> Shell:
    """Runs lines in the home of the replay, where `peertape` and `python3` are ours."""
    hidden = ("PEERTAPE_", "SSL_CERT", "NODE_EXTRA", "REQUESTS_CA", "CURL_CA", "JAVA_TOOL")
    kept = {n: v for n, v in os.environ.items() if not n.startswith(hidden) and not n.lower().endswith("_proxy")}
    here = {
        "HOME": str(replay.folder),
        "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
        "PEERTAPE_LISTEN": f"127.0.0.1:{replay.port}",
        "PEERTAPE_FORWARD": f"127.0.0.1:{replay.forward[1]}",
    }

    def run(*lines: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", "\n".join(lines)],
            cwd=replay.folder,
            env=kept | here | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def said(shell: Shell, section: str, *starts: str) -> list[str]:
    """The lines of a section that begin so, in their order."""
    told = shell(f"peertape ca {section}").stdout
    lines = [line.strip() for line in told.splitlines() if line.strip().startswith(starts)]
    assert lines, told
    return lines


def test_nobody_trusts_it_by_himself(shell: Shell, url: str) -> None:
    """What follows would prove nothing otherwise."""
    assert shell(f"curl -sS {url}").returncode == 60
    assert "CERTIFICATE_VERIFY_FAILED" in shell(f'python3 -c "{FETCH["urllib"].format(url=url)}"').stderr


def test_curl(shell: Shell, url: str) -> None:
    program("curl")
    direct, proxied = said(shell, "curl", "curl --")
    assert '"instance"' in shell(direct).stdout
    # The demo has 127.0.0.1:9100, not the host of the example.
    assert '"instance"' in shell(proxied.replace("peertube.example", "127.0.0.1:9100")).stdout
    assert shell(*said(shell, "curl", "export"), f"curl -sS {url}").stdout == "pong"
    path = shell("peertape ca --path").stdout.strip()
    assert shell(f'curl -sS --cacert "$(peertape ca --path)" {url}').stdout == "pong", path


@pytest.mark.parametrize("client", FETCH)
def test_python(shell: Shell, url: str, client: str) -> None:
    fetch = f'python3 -c "{FETCH[client].format(url=url)}"'
    alone = shell(*(line for line in said(shell, "python", "export") if "bundle" not in line), fetch)
    assert alone.stdout == "pong\n", alone.stderr
    together = shell(*(line for line in said(shell, "python", "cat", "export") if "bundle" in line), fetch)
    assert together.stdout == "pong\n", together.stderr


def test_python_code(shell: Shell, url: str) -> None:
    *context, client = said(shell, "python", "context", "httpx")
    lines = ["import httpx, ssl", *context, f"client = {client}", f"print(client.get('{url}').text)"]
    assert shell('python3 - <<"END"', *lines, "END").stdout == "pong\n"


def test_node(shell: Shell, url: str) -> None:
    program("node", "nodejs")
    fetch = f"node -e \"fetch('{url}').then(a => a.text()).then(console.log)\""
    assert shell(fetch).returncode != 0
    assert shell(*said(shell, "node", "export"), fetch).stdout == "pong\n"


def test_java(shell: Shell, replay: Peertape, url: str) -> None:
    compiler = program("javac", "default-jdk-headless")
    (replay.folder / "Fetch.java").write_text(JAVA)
    home = str(compiler.resolve().parent.parent)
    assert shell(f"java Fetch.java {url}", JAVA_HOME=home).returncode != 0
    export, first, copy, add, second = said(shell, "java", "peertape", "java", "cp", "keytool")
    for lines in ((export, first), (copy, add, second)):
        run = lines[-1].replace("-jar app.jar", f"Fetch.java {url}")
        done = shell(*lines[:-1], run, JAVA_HOME=home)
        assert done.stdout.splitlines()[-1] == "HTTP_2 pong", done.stderr


def test_debian(shell: Shell, url: str, tmp_path: Path) -> None:
    """In folders of the test's own, where the system's are in the command."""
    program("update-ca-certificates", "ca-certificates")
    copy, update, *_ = (line.removeprefix("sudo ") for line in said(shell, "debian", "sudo"))
    for name in ("local", "etc", "hooks"):
        (tmp_path / name).mkdir()
    folders = f"--localcertsdir {tmp_path}/local --etccertsdir {tmp_path}/etc --hooksdir {tmp_path}/hooks"
    done = shell(copy.replace("/usr/local/share/ca-certificates", f"{tmp_path}/local"), f"{update} {folders}")
    assert done.returncode == 0, done.stderr
    assert shell(f"curl -sS --cacert {tmp_path}/etc/ca-certificates.crt {url}").stdout == "pong"


def test_chromium(shell: Shell, url: str) -> None:
    browser = program("chromium")
    program("certutil", "libnss3-tools")
    visit = f"{browser} --headless --no-sandbox --disable-gpu --no-proxy-server --dump-dom"
    assert "pong" not in shell(f'{visit} --user-data-dir="$(mktemp -d)" {url}').stdout
    (pinned,) = said(shell, "chromium", "chromium --user-data-dir")
    address = pinned.split()[-1]
    assert "pong" in shell(pinned.replace("chromium", visit, 1).replace(address, url)).stdout
    trusting = said(shell, "chromium", "mkdir", "[ -f", "certutil -A")
    assert "pong" in shell(*trusting, f'{visit} --user-data-dir="$(mktemp -d)" {url}').stdout
    assert shell(*said(shell, "chromium", "certutil -D")).returncode == 0
    assert "pong" not in shell(f'{visit} --user-data-dir="$(mktemp -d)" {url}').stdout


def test_the_android_files_are_well_formed(shell: Shell) -> None:
    told = shell("peertape ca android").stdout
    documents = ["<?xml" + part.split("\n\n")[0] for part in told.split("<?xml")[1:]]
    tags = [ET.fromstring("\n".join(line.strip() for line in document.splitlines())).tag for document in documents]
    assert tags == ["network-security-config", "manifest"]
    done = shell(*said(shell, "android", "mkdir", "cp"))
    assert done.returncode == 0, done.stderr
