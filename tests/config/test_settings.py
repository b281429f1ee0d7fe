"""Settings from the command line, the environment and the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from peertape.config.settings import SettingsError, address, load


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("PEERTAPE_TOKEN", "PEERTAPE_LISTEN", "PEERTAPE_ONLY", "PEERTAPE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_command_line_wins_over_the_environment_over_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "peertape.yaml").write_text("listen: 127.0.0.1:1\ncassette: file.cassette\nonly: [/a, GET /b]\n")
    monkeypatch.setenv("PEERTAPE_LISTEN", "127.0.0.1:2")
    assert load({}).listen == "127.0.0.1:2"
    assert load({"listen": "127.0.0.1:3", "cassette": None}).listen == "127.0.0.1:3"
    assert (load({}).cassette, load({}).only) == ("file.cassette", ("/a", "GET /b"))
    monkeypatch.setenv("PEERTAPE_ONLY", "/c, POST /d")
    assert load({}).only == ("/c", "POST /d")


@pytest.mark.parametrize(("text", "octets"), [("200M", 200 << 20), ("1k", 1024), ("5", 5), ("2 GiB", 2 << 30)])
def test_sizes(text: str, octets: int) -> None:
    assert load({"max_response_body": text}).max_response_body == octets


def test_numbers_of_workers() -> None:
    assert (load({}).workers, load({"workers": "3"}).workers) == (1, 3)
    assert load({"workers": "auto"}).workers == min(len(os.sched_getaffinity(0)), 256)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"listen": "8990"}, "listen: '8990' is no address to listen at"),
        ({"listen": "h:99999"}, "no address to listen at"),
        ({"upstream": "peertube.example"}, "upstream: 'peertube.example' is no address of an instance"),
        ({"upstream": "https://user:pw@peertube.example"}, "no address of an instance"),
        ({"max_response_body": "much"}, "max-response-body: 'much' is no size"),
        ({"only": ("api",)}, "only: 'api' is no pattern"),
        ({"strict": "guessed"}, "strict: 'guessed' is no source"),
        ({"workers": "0"}, "workers: '0' is no number of workers; write 1 to 256, or auto"),
        ({"workers": "many"}, "workers: 'many' is no number of workers"),
        ({"workers": "257"}, "workers: '257' is no number of workers"),
        ({"pace": "-1"}, "pace: Input should be greater than 0"),
        ({"redact": [{"header": "a", "query": "b"}]}, "exactly one of"),
        ({"match": {"ignore": [{"route": "x"}]}}, "match.ignore.0.route: 'x' is no pattern"),
    ],
)
def test_wrong_settings_are_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(given)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:8990", ("::1", 8990)), ("localhost:80", ("localhost", 80))],
)
def test_addresses(text: str, parts: tuple[str, int]) -> None:
    assert address(text) == parts
