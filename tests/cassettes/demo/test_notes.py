"""What the start of a replay of the demo prints, and what its page says, holds."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.demo import notes
from peertape.cassettes.paths import short_uuid
from peertape.cassettes.store import Cassette

PAGE = Path(__file__).parents[3] / "docs" / "demo.md"
ROW = re.compile(r"^\| .* \| (?P<number>\d+) \| `(?P<short>\w+)` \| `(?P<uuid>[0-9a-f-]{36})` \|", re.MULTILINE)


def target(command: str) -> str:
    (url,) = (word for word in shlex.split(command) if word.startswith("{url}"))
    return url.removeprefix("{url}")


def test_list(client: Any) -> None:
    answer = client.ask("GET", target(notes.LIST))
    listed = json.loads(read(answer.body))
    assert answer.status == 200
    assert len(listed["data"]) == 5


def test_login(client: Any) -> None:
    asked, _, sent = notes.LOGIN.split("|")
    oauth = read(client.ask("GET", target(asked)).body).decode()
    piped = re.sub(r'[{}"]', "", oauth).replace(":", "=").replace(",", "&")  # as sed does it
    words = shlex.split(sent)
    data = [word for flag, word in pairwise(words) if flag == "-d"]
    body = "&".join([piped, *data[1:]]).encode()
    answer = client.ask("POST", target(sent), body, [("Content-Type", "application/x-www-form-urlencoded")])
    assert data[0] == "@-"
    assert json.loads(read(answer.body))["access_token"]


def test_range(client: Any) -> None:
    words = shlex.split(notes.RANGE)
    answer = client.ask("GET", target(notes.RANGE), headers=[("Range", f"bytes={words[words.index('-r') + 1]}")])
    assert answer.status == 206
    assert answer.body.size == 100


def test_notes_name_accounts_and_requests() -> None:
    text = "\n".join(notes.NOTES)
    assert all(re.search(rf"\b{user} +{notes.PASSWORD} +{role}\b", text) for user, role in notes.ROLES.items())
    assert all(request in text for request in (notes.LIST, notes.LOGIN, notes.RANGE))


def test_page_names_videos_and_playlists_as_recorded() -> None:
    text = PAGE.read_text("utf-8")
    videos, playlists = text.partition("## Videos")[2].split("## Playlists")
    with closing(Cassette(demo.path())) as cassette:
        for kind, section, all_of_them, at_least in (("video", videos, 29, 29), ("playlist", playlists, 5, 4)):
            rows = [found.groupdict() for found in ROW.finditer(section)]
            recorded = {row["uuid"]: cassette.numbers(kind, row["uuid"]) for row in rows}
            assert len(rows) == all_of_them
            assert all(short_uuid(row["uuid"]) == row["short"] for row in rows)
            assert all(recorded[row["uuid"]] in ([], [row["number"]]) for row in rows)
            assert sum(map(bool, recorded.values())) == at_least
