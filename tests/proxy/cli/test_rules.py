"""Whose rules are emulated: `--peertube`, and what a version without rules of its own gets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.process import PROGRAM

ASK = (
    "import os, urllib.error as e, urllib.request as u\n"
    "try: u.urlopen(os.environ['PEERTAPE_URL'] + '/api/v1/videos?count=many')\n"
    "except e.HTTPError as error: print(error.code, error.headers['Peertape-Source'])"
)


def asked(folder: Path, *options: str, ask: str = ASK) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("PEERTAPE_")}
    command = [PROGRAM, "replay", "--listen", "127.0.0.1:0", *options, "--", sys.executable, "-c", ask]
    return subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, timeout=120, check=False)


def test_the_source_names_the_rules(tmp_path: Path) -> None:
    run = asked(tmp_path)
    assert "400 emulated; rules=6.3" in run.stdout
    assert "no rules for" not in run.stderr
    assert run.returncode == 0


@pytest.mark.parametrize(("version", "code", "warned"), [("6.3.1", 0, False), ("8.0.1", 1, True)])
def test_rules_of_another_version_are_said_to_be_and_are_not_strict(
    tmp_path: Path, version: str, code: int, warned: bool
) -> None:
    run = asked(tmp_path, "--peertube", version, "--strict=emulated")
    assert "400 emulated; rules=6.3" in run.stdout
    assert ("there are no rules for PeerTube 8.0.1 yet; those of 6.3 are emulated instead" in run.stderr) is warned
    assert ("not strict: 1 emulated by the rules of another version" in run.stderr) is warned
    assert run.returncode == code


def test_a_text_that_is_no_version_is_refused(tmp_path: Path) -> None:
    run = asked(tmp_path, "--peertube", "newest")
    assert run.returncode == 2
    assert "'newest' is no version of PeerTube; write for example 6.3" in run.stderr


def test_emulation_can_be_switched_off(tmp_path: Path) -> None:
    assert "501 miss" in asked(tmp_path, "--on-miss", "error").stdout


HOSTS = (
    "import http.client, os, urllib.parse as p\n"
    "url = p.urlsplit(os.environ['PEERTAPE_URL'])\n"
    "for host in ('localhost', '10.0.2.2', 'workstation', 'elsewhere.example'):\n"
    "    connection = http.client.HTTPConnection(url.hostname, url.port)\n"
    "    connection.request('GET', '/api/v1/oauth-clients/local', headers={'Host': f'{host}:{url.port}'})\n"
    "    print(host, connection.getresponse().status)\n"
)


def test_a_login_works_through_any_name_of_this_machine_and_no_other(tmp_path: Path) -> None:
    told = asked(tmp_path, ask=HOSTS).stdout
    assert told.splitlines()[1:] == ["localhost 200", "10.0.2.2 200", "workstation 200", "elsewhere.example 403"]
