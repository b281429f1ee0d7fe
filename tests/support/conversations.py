"""A cassette with sockets: notifications of bob's over every transport, a live, the tracker, a plugin's socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlencode

from support.samples import EPOCH, made

from peertape.cassettes.model import Closing, Exchange, Message

TOKEN = "b0b0b0b0c1" * 4
WRONG = "0123456789" * 4
ORIGIN = "https://tube.example"
OPENING = {"upgrades": ["websocket"], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 1000000}
POLLED = {"Content-Type": "text/plain; charset=UTF-8", "cache-control": "no-store", "Set-Cookie": "lb=1"}
NAMESPACE = "/user-notifications"
TORRENT, STRANGE = "t" * 20, "u" * 20
REFUSAL = f"Unknown infoHash {STRANGE.encode().hex()} requested by ip 127.0.0.1"


def notification(number: int) -> str:
    video = {"url": f"{ORIGIN}/w/{number}", "name": "A comment"}
    return json.dumps(["new-notification", {"id": number, "video": video}], separators=(",", ":"))


def credentials(user: str) -> str:
    """The form of a login. Secrets of a single character would now and then get each other's pseudonyms."""
    form = {"client_id": "tests-own-client", "client_secret": "tests-own-secret", "grant_type": "password"}
    return urlencode({**form, "username": user, "password": "p4ssword"})


def login() -> Exchange:
    return made(
        1,
        "POST",
        "/api/v1/users/token",
        200,
        {"access_token": TOKEN, "refresh_token": "r" * 40, "expires_in": 86399},
        request_headers={"Content-Type": "application/x-www-form-urlencoded"},
        request_body=credentials("bob").encode(),
    )


def socket(number: int, target: str, *said: str | tuple[float, str], closing: Closing | None = None) -> Exchange:
    """A WebSocket: `>` before what the client says, `<` before what the server says; seconds since it was opened."""
    messages: list[Message] = []
    for place, one in enumerate(said):
        after, text = one if isinstance(one, tuple) else (place * 0.01, one)
        at = EPOCH + number + 0.25 + after
        messages.append(Message(at, text[0] == ">", True, text[1:].encode()))
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "x"}
    return made(number, "GET", target, 101, b"", headers, messages=messages, closing=closing)


def joined(number: int, credentials: str, *said: str | tuple[float, str], beat: int = 25000) -> Exchange:
    """A WebSocket of socket.io."""
    opening = json.dumps({"sid": f"sid{number}", **OPENING, "upgrades": [], "pingInterval": beat})
    return socket(number, f"/socket.io/?EIO=4&transport=websocket{credentials}", f"<0{opening}", *said)


def polled(number: int, sid: str, events: Sequence[str], beat: int = 25000) -> list[Exchange]:
    """Bob's notifications over polls."""
    base = f"/socket.io/?accessToken={TOKEN}&EIO=4&transport=polling"
    kind = {"Content-Type": "text/plain;charset=UTF-8"}
    opening = "0" + json.dumps({"sid": sid, **OPENING, "pingInterval": beat}, separators=(",", ":"))
    ack = f'40{NAMESPACE},{{"sid":"x"}}'
    texts = [f"42{NAMESPACE},{event}" for event in events]
    posted = made(
        number + 1,
        "POST",
        f"{base}&t=b{number}&sid={sid}",
        200,
        b"ok",
        {"Content-Type": "text/html"},
        request_headers=kind,
        request_body=f"40{NAMESPACE},".encode(),
    )
    polls = [
        made(number + 2 + place, "GET", f"{base}&t=c{place}&sid={sid}", 200, text.encode(), POLLED)
        for place, text in enumerate([ack, *texts])
    ]
    return [made(number, "GET", f"{base}&t=a{number}", 200, opening.encode(), POLLED), posted, *polls]


def announce(torrent: str = TORRENT, **more: object) -> str:
    told = {"action": "announce", "info_hash": torrent, "peer_id": "-PT0001-aaaaaaaaaaaa", "event": "started", **more}
    return json.dumps(told)


def exchanges(beat: int = 25000) -> list[Exchange]:
    """In the order of their time; `beat`: milliseconds between two pings."""
    answer = {"complete": 1, "incomplete": 2, "action": "announce", "interval": 120, "info_hash": TORRENT}
    offer = {"action": "announce", "offer": {"type": "offer"}, "offer_id": "o", "peer_id": "p", "info_hash": TORRENT}
    refusal = {"action": "announce", "failure reason": REFUSAL, "info_hash": STRANGE}
    return [
        login(),
        joined(
            2,
            f"&accessToken={TOKEN}",
            f">40{NAMESPACE},",
            f'<40{NAMESPACE},{{"sid":"x"}}',
            (30.0, f"<42{NAMESPACE},{notification(1)}"),
            beat=beat,
        ),
        *polled(40, "polled-sid", [notification(2)], beat),
        joined(50, f"&accessToken={WRONG}", f">40{NAMESPACE},", f'<44{NAMESPACE},{{"message":"Recorded as wrong."}}'),
        joined(
            60,
            "",
            ">40/live-videos,",
            '<40/live-videos,{"sid":"y"}',
            '>42/live-videos,["subscribe",{"videoId":28}]',
            (20.0, '<42/live-videos,["state-change",{"state":4}]'),
            (40.0, '<42/live-videos,["state-change",{"state":1}]'),
        ),
        socket(110, "/tracker/socket", f">{announce()}", f"<{json.dumps(answer)}", (9.0, f"<{json.dumps(offer)}")),
        socket(
            120,
            "/tracker/socket",
            f">{announce(STRANGE)}",
            f"<{json.dumps(refusal)}",
            closing=Closing(EPOCH + 120.3, from_client=False, code=1005),
        ),
        socket(
            130,
            "/plugins/chat/1.0.0/ws/room?id=5",
            "<welcome",
            ">hello 1",
            "<hello yourself",
            ">bye",
            closing=Closing(EPOCH + 130.4, from_client=False, code=4001, reason="enough"),
        ),
    ]
