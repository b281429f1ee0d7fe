"""`docs/demo.md`: what is in the demo, made from the manifest of the instance that was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from peertape.cassettes.demo.notes import LIST, LOGIN, RANGE, ROLES

type Entry = dict[str, Any]

URL = "http://127.0.0.1:8990"
# What a video's file is good for, where neither its name nor its privacy says so.
FILES = {
    "audio": "made from an audio file",
    "silent": "no sound",
    "portrait": "upright",
    "fps60": "60 frames per second",
    "vp8": "uploaded as WebM",
    "hd720": "720p",
}
# Of the passwords of the protected video, the one that was given in the recordings.
VIDEO_PASSWORD = "opensesame"

_HEAD = """\
<!-- Made by cassettes/demo/build.py; change cassettes/demo/page.py instead. -->

# The demo

`uv run peertape replay` answers from the bundled cassette `cassettes/demo/demo.cassette`: recorded sessions with a real
PeerTube {version}. **All in it is fictitious**: the instance, its users, passwords, tokens and videos were made for the
purpose, and the videos show test patterns.

Seven sessions are in it, one after the other:

{sessions}

What nobody asked in them is a miss. `uv run peertape cassette ls cassettes/demo/demo.cassette` lists what was asked.
"""

SESSIONS = (
    "a visitor browses: lists, search, details, comments, feeds, ActivityPub documents, conditional requests",
    "players: HLS and web videos with ranges, captions, storyboards, downloads, protected and private videos",
    "alice: login, account, playlists, ratings, comments, uploads in one and in several pieces, edits, logout",
    "bob goes live (video 35), with a viewer, and the replay appears afterwards",
    "notifications and live state over socket.io, and the tracker",
    "root and mod: users, reports, blocks, settings, jobs, logs, plugins, runners",
    "everything else that the API has, such as registrations, two factors, imports, exports, studio and runners' jobs",
)

_LOGIN = """\
## Log in

The client's id and secret come first, then the token; `{{url}}` is the address that `peertape replay` prints.

```sh
{login}
```

Send the token as `Authorization: Bearer TOKEN`. Passwords stand in the cassette as pseudonyms only, yet the real one is
accepted, and a wrong one is not answered with a token. After a login the demo knows the user: what that user was
answered in the recordings is answered to you.

Other requests to try:

```sh
{list}
{range}
```
"""


def page(manifest: Entry) -> str:
    sessions = "\n".join(f"{number}. {text};" for number, text in enumerate(SESSIONS, 1)).removesuffix(";") + "."
    login, *others = (text.replace("{url}", URL) for text in (LOGIN, LIST, RANGE))
    parts = [
        _HEAD.format(version=manifest["version"], sessions=sessions),
        _section("Users", "The role decides what a user may do.", _users(manifest)),
        _LOGIN.format(login=login, list=others[0], range=others[1]).replace("{url}", URL),
        _section("Channels", "", _channels(manifest)),
        _section(
            "Videos",
            "A video answers by its id, its UUID and its short UUID alike. More of them come up in later sessions.",
            _videos(manifest),
        ),
        _section("Playlists", "Each user has a private list `Watch later` besides.", _playlists(manifest)),
        _states(manifest),
    ]
    return "\n".join(parts)


def _section(title: str, text: str, table: str) -> str:
    return f"## {title}\n\n" + (f"{text}\n\n" if text else "") + table


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _users(manifest: Entry) -> str:
    users = manifest["users"]
    return _table(
        ("user", "password", "role", "display name", "e-mail", "channels"),
        (
            (
                name,
                _code(users[name]["password"]),
                *(users[name][member] for member in ("role", "displayName", "email")),
                ", ".join(users[name]["channels"]),
            )
            for name in ROLES
        ),
    )


def _channels(manifest: Entry) -> str:
    return _table(
        ("channel", "id", "display name", "owner"),
        ((name, each["id"], each["displayName"], each["owner"]) for name, each in manifest["channels"].items()),
    )


def _videos(manifest: Entry) -> str:
    rows: list[Sequence[object]] = []
    for name, video in {**manifest["videos"], **manifest["lives"]}.items():
        special = "; ".join([*_special(name, video, manifest), *_around(name, video, manifest)])
        who = f"{video['owner']}, {video['channel']}" if "channel" in video else video["owner"]
        rows.append((*_names(video["name"], video), who, video.get("privacy", "Public"), special))
    return _table(("name", "id", "short UUID", "UUID", "owner, channel", "privacy", "special"), rows)


def _names(title: str, named: Entry) -> tuple[object, ...]:
    return title, named["id"], _code(named["shortUUID"]), _code(named["uuid"])


def _special(name: str, video: Entry, manifest: Entry) -> Iterable[str]:
    """What is special about the video itself."""
    if "permanentLive" in video:
        yield "a permanent live, not streaming" if video["permanentLive"] else "a live that has ended, with its replay"
    if "videoPasswords" in video:
        yield f"its password is `{VIDEO_PASSWORD}` (header `x-peertube-video-password`)"
    if schedule := video.get("scheduleUpdate"):
        yield f"to be published on {schedule['updateAt'][:10]}"
    if video.get("nsfw"):
        yield "marked as sensitive (NSFW)"
    if video.get("upload") == "resumable":
        yield "uploaded in pieces"
    if name in FILES:
        yield FILES[name]
    for entry in manifest["blacklist"]:
        if entry["video"] == name:
            yield f"blocked by {entry['by']}: {entry['reason']}"


def _around(name: str, video: Entry, manifest: Entry) -> Iterable[str]:
    """What others made of it."""
    if languages := manifest["captions"].get(name):
        yield f"captions: {', '.join(languages)}"
    if chapters := manifest["chapters"].get(name):
        yield f"{len(chapters)} chapters"
    if comments := manifest["comments"].get(name):
        deleted = sum(bool(comment.get("deleted")) for comment in comments)
        held = len(manifest["misc"]["commentsHeldForReview"].get(name, ()))
        remarks = [f"{deleted} deleted"] * bool(deleted) + [f"{held} held for review"] * bool(held)
        yield _many(len(comments), "comment") + (f" ({', '.join(remarks)})" if remarks else "")
    if any(abuse.get("video", {}).get("id") == video["id"] for abuse in manifest["abuses"]):
        yield "reported"
    change = manifest["misc"]["pendingOwnershipChange"]
    if change["video"] == name:
        yield f"{change['of']} offers it to {change['to']}"


def _playlists(manifest: Entry) -> str:
    videos = manifest["videos"]
    return _table(
        ("name", "id", "short UUID", "UUID", "owner, channel", "privacy", "videos"),
        (
            (
                *_names(name, each),
                f"{each['owner']}, {each['channel']}" if each["channel"] else each["owner"],
                each["privacy"],
                ", ".join(videos[element["video"]]["name"] for element in each["elements"]) or "none",
            )
            for name, each in manifest["playlists"].items()
        ),
    )


def _states(manifest: Entry) -> str:
    """Special states of more than one video."""
    blocks = manifest["misc"]["blocklists"]
    mine = "; ".join(
        f"{who} mutes {_list([*entry.get('accounts', ()), *entry.get('servers', ())])}"
        for who, entry in blocks.items()
        if who in manifest["users"]
    )
    lines = [
        f"{_many(len(manifest['abuses']), 'report')}: a video, a comment and an account, by "
        f"{_list(sorted({abuse['by'] for abuse in manifest['abuses']}))}",
        f"{mine}; the instance mutes {_list(blocks['instance']['servers'])}",
        f"{_many(len(manifest['misc']['ratings']), 'rating')} and "
        f"{_many(len(manifest['misc']['history']), 'entry', 'entries')} in the histories of watched videos",
    ]
    return "## Also there\n\n" + "".join(f"- {line}\n" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _many(number: int, one: str, more: str | None = None) -> str:
    return f"{number} {one if number == 1 else more or f'{one}s'}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
