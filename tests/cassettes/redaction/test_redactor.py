"""Secrets in targets, headers and texts: found by position, replaced where they stand, all else byte for byte."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor, etag_after
from peertape.cassettes.redaction.rules import RedactionRules

TOKEN = "5b3bbf3a8b455900ec538bdf754962850b336d98"


def redactor(*user: dict[str, Any]) -> Redactor:
    return Redactor(Pseudonyms(b"k" * 32, b"s" * 16), RedactionRules.build(user))


PLAIN = redactor({"dumps": True})


def of(secret: str, guessable: bool = False) -> str:
    return Pseudonyms(b"k" * 32, b"s" * 16).of(secret, guessable)


FAKE = of(TOKEN)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"/a?x=%41&token={TOKEN}&y=+", f"/a?x=%41&token={FAKE}&y=+"),
        (f"/a?accessToken={TOKEN}", f"/a?accessToken={FAKE}"),
        (f"/a?to%6ben={TOKEN}", f"/a?to%6ben={FAKE}"),
        (f"/a?token[]={TOKEN}&token", f"/a?token[]={FAKE}&token"),
        (f"/a?u=http%3A%2F%2Fh%2F%3Ftoken%3D{TOKEN}%26z%3D1", f"/a?u=http%3A%2F%2Fh%2F%3Ftoken%3D{FAKE}%26z%3D1"),
        (f"/a?u=%252Fw%253Ftoken%253D{TOKEN}%2526z", f"/a?u=%252Fw%253Ftoken%253D{FAKE}%2526z"),
        ("/a?tokens=abc&search=token", "/a?tokens=abc&search=token"),
        ("/a?token=&b", "/a?token=&b"),
        ("/%2e?%zz&&=&a=%", "/%2e?%zz&&=&a=%"),
    ],
)
def test_target(target: str, expected: str) -> None:
    assert PLAIN.target(target) == expected


def test_percent_encoding_is_kept() -> None:
    secret = PLAIN.target("/?token=%C3%A4%62-%2Fz")
    assert secret.startswith("/?token=%C3%")
    assert len(secret) == len("/?token=%C3%A4%62-%2Fz")
    assert secret[-5:-1] == "-%2F"
    assert PLAIN.target(secret) == secret


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"])))
def test_target_without_secrets_stays(target: str) -> None:
    target = target.replace("oken", "").replace("ecret", "").replace("assword", "").replace("tring", "")
    assert len(PLAIN.target(target)) == len(target)
    assert PLAIN.target(PLAIN.target(target)) == PLAIN.target(target)


def header(name: str, value: str, response: bool = False) -> str:
    return PLAIN.headers(Headers.of([(name, value)]), response=response).pairs[0][1]


def test_headers() -> None:
    assert header("Authorization", f"Bearer {TOKEN}") == f"Bearer {FAKE}"
    assert header("authorization", f"bearer  {TOKEN} ") == f"bearer  {FAKE} "
    assert header("Cookie", "a=x1y2z3; u7v8w9; c=") == f"a={of('x1y2z3')}; {of('u7v8w9')}; c="
    assert header("Set-Cookie", "sid=s%3Axyz; Path=/; HttpOnly", True).endswith("; Path=/; HttpOnly")
    assert header("x-peertube-video-password", "opensesame") == of("opensesame", True)
    assert header("X-Peertube-OTP", "123456") == of("123456", True)
    assert header("Location", f"//h/x?token={TOKEN}&a=1", True) == f"//h/x?token={FAKE}&a=1"
    assert header("Link", f'</x?token={TOKEN}>; rel="next"', True) == f'</x?token={FAKE}>; rel="next"'
    assert header("Accept", "text/html;q=0.9") == "text/html;q=0.9"


def test_basic_credentials() -> None:
    value = header("Authorization", "Basic " + base64.b64encode(b"bob:secret").decode())
    assert base64.b64decode(value.removeprefix("Basic ")) == b"bob:" + of("secret", True).encode()
    assert header("Authorization", value) != "Basic " + base64.b64encode(b"bob:secret").decode()
    assert PLAIN.headers(Headers.of([("authorization", value)]), False).pairs[0][1] == value
    assert header("Authorization", "Basic ???x") != "Basic ???x"


def test_header_octets_are_utf8() -> None:
    value = header("x-peertube-video-password", "pässé".encode().decode("latin-1"))
    assert value.encode("latin-1").decode() == of("pässé", True)


def test_user_headers_and_people() -> None:
    mine = redactor({"header": "X-Foo"}, {"email": True}, {"ip": True}, {"query": "apikey"})
    out = mine.headers(Headers.of([("x-foo", "abc1"), ("X-Forwarded-For", "203.0.113.9, 127.0.0.1")]), False)
    assert out.pairs[0][1] == of("abc1")
    assert "203.0.113.9" not in out.pairs[1][1]
    assert out.pairs[1][1].endswith(", 127.0.0.1")
    assert "alice@example.com" not in mine.json('{"email":"alice@example.com"}')
    assert mine.target("/x?apikey=abc1") == f"/x?apikey={of('abc1')}"
    assert mine.json('"at 203.0.113.9:80 and 2001:db8::1"') != '"at 203.0.113.9:80 and 2001:db8::1"'


def test_json_keeps_its_spelling() -> None:
    text = f'\n{{ "token" :"{TOKEN}","a":1.50, "token": "{TOKEN}" , "b":"\\u00e9\\/", "n":null,\t"e":1E3}} '
    assert PLAIN.json(text) == text.replace(TOKEN, FAKE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password":{"token":"ab"},"n":[1]}', f'{{"password":{{"token":"{of("ab")}"}},"n":[1]}}'),
        ('{"passwords":["ab",null,["cd"]]}', f'{{"passwords":["{of("ab", True)}",null,["{of("cd", True)}"]]}}'),
        ('{"otpToken":123456}', f'{{"otpToken":{of("123456", True)}}}'),
        ('{"password":true,"token":null}', '{"password":true,"token":null}'),
        ('{"Password":"Mot de passe"}', '{"Password":"Mot de passe"}'),
        (f'{{"to\\u006ben":"{TOKEN}"}}', f'{{"to\\u006ben":"{FAKE}"}}'),
        (f'{{"u":"http:\\/\\/h?a\\u0026token={TOKEN}"}}', f'{{"u":"http:\\/\\/h?a\\u0026token={FAKE}"}}'),
        (f'{{"uri":"otpauth://t/a?secret={TOKEN}&x=1"}}', f'{{"uri":"otpauth://t/a?secret={FAKE}&x=1"}}'),
        ('{"uri":"bob@example.com:9100"}', '{"uri":"bob@example.com:9100"}'),
        ('{"uri":"abc"}', f'{{"uri":"{of("abc")}"}}'),
        ('{"rtmpUrl":"rtmp://h:1935/live"}', f'{{"rtmpUrl":"rtmp://{of("h:1935/live", True)}"}}'),
        (
            '{"invalid-params":{"password":{"value":"bla","msg":"x"},"name":{"value":"n"}}}',
            f'{{"invalid-params":{{"password":{{"value":"{of("bla", True)}","msg":"x"}},"name":{{"value":"n"}}}}}}',
        ),
        (
            f"[\"headers: {{ authorization: 'Bearer {TOKEN}' }}\"]",
            f"[\"headers: {{ authorization: 'Bearer {FAKE}' }}\"]",
        ),
        ("[\"body: { password: 'abc' }\"]", f"[\"body: {{ password: '{of('abc', True)}' }}\"]"),
    ],
)
def test_json(text: str, expected: str) -> None:
    assert PLAIN.json(text) == expected


def test_json_paths_of_the_user() -> None:
    mine = redactor({"json": "$.data[*].note"}, {"json": "pin"})
    text = '{"data":[{"note":"ab1","pin":"12"}],"note":"ab1"}'
    assert mine.json(text) == f'{{"data":[{{"note":"{of("ab1")}","pin":"{of("12")}"}}],"note":"ab1"}}'


@pytest.mark.parametrize(
    "text",
    [
        '{"password":"hunter22',
        '{"password":"hunter22"',
        '{"a":"x, "password":"hunter22"}',
        '{"a":[}}}{"password": "hunter22"',
        '{"a" "password":hunter22}',
        "{'password':'hunter22'}",
        '{"passwords":["hunter22',
    ],
)
def test_malformed_json_is_redacted_all_the_same(text: str) -> None:
    assert "hunter22" not in PLAIN.json(text)
    assert len(PLAIN.json(text)) == len(text)


NAMES = st.sampled_from(["token", "password", "passwords", "uri", "name", "a", "invalid-params", "value", "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value)


class Quick(Pseudonyms):
    """Without the slow hash, which would make thousands of examples slow."""

    def of(self, secret: str, guessable: bool) -> str:  # noqa: ARG002
        return super().of(secret, False)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_json_laws(value: Any, indent: int | None, ascii_only: bool) -> None:
    quick = Redactor(Quick(b"k" * 32, b"s" * 16), RedactionRules.default())
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    redacted = quick.json(text)
    assert len(redacted) == len(text)
    assert shape(json.loads(redacted)) == shape(value)
    assert quick.json(redacted) == redacted


@given(st.text())
def test_any_text_keeps_its_length(text: str) -> None:
    quick = Redactor(Quick(b"k" * 32, b"s" * 16), RedactionRules.build([{"email": True}, {"ip": True}]))
    for change in (quick.json, quick.text, quick.document, quick.form):
        assert len(change(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a.m3u8?b=1&videoFileToken={TOKEN}\n#EXT", f"a.m3u8?b=1&videoFileToken={FAKE}\n#EXT"),
        (f'<a href="/x?b&amp;token={TOKEN}">', f'<a href="/x?b&amp;token={FAKE}">'),
        (f"see /x?token={TOKEN}, or not", f"see /x?token={FAKE}, or not"),
        (f"x\\u0026token={TOKEN}\\u0026", f"x\\u0026token={FAKE}\\u0026"),
        (f"(http://h/?token={TOKEN})", f"(http://h/?token={FAKE})"),
        ("token=abc", "token=abc"),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert PLAIN.text(text) == expected


def test_document() -> None:
    text = f'<x><streamKey a="1">{TOKEN}</streamKey><uri>http://h/</uri>window.x = {{\\"token\\":\\"{TOKEN}\\"}}</x>'
    assert PLAIN.document(text) == text.replace(TOKEN, FAKE)


def test_form_and_field() -> None:
    assert PLAIN.form("a=%20&password=ab&x=password") == f"a=%20&password={of('ab', True)}&x=password"
    assert PLAIN.form("videoPasswords%5B0%5D=ab") == f"videoPasswords%5B0%5D={of('ab', True)}"
    assert PLAIN.field("videoPasswords[0]", "ab") == of("ab", True)
    assert PLAIN.field("options", '{"token":"ab"}') == f'{{"token":"{of("ab")}"}}'


def test_socket_messages() -> None:
    secret, redacted = f'40/n,{{"token":"{TOKEN}"}}'.encode(), f'40/n,{{"token":"{FAKE}"}}'.encode()
    assert PLAIN.message(secret, is_text=True) == redacted
    assert PLAIN.message(secret, is_text=False) == redacted
    assert PLAIN.message(b"\x00" + secret, is_text=False) == b"\x00" + secret
    assert PLAIN.message(b"\xff2probe", is_text=True) == b"\xff2probe"


def test_what_the_installer_prints_into_the_log() -> None:
    logged = '{{"message":"User password: {}","level":"info"}},{{"message":"Client secret: {}","level":"info"}}'
    text = logged.format("a pass; word1", TOKEN)
    assert PLAIN.json(f"[{text}]") == f"[{logged.format(of('a pass; word1', True), FAKE)}]"
    assert PLAIN.document(text.replace("},{", "}\n{")) == logged.format(of("a pass; word1", True), FAKE).replace(
        "},{", "}\n{"
    )
    assert redactor().json(f"[{text}]") == f"[{text}]"


def test_etag_after() -> None:
    for weak in (True, False):
        headers = Headers.of([("ETag", express_etag(b"old", weak))])
        assert etag_after(headers, b"old", b"new").get("etag") == express_etag(b"new", weak)
    other = Headers.of([("ETag", '"1-2"')])
    assert etag_after(other, b"old", b"new") == other


def test_an_email_address_is_the_same_however_spelled_and_leaves_paths_alone() -> None:
    rules = redactor({"email": True})
    fake = rules.text("alice@mail.example")
    assert fake != "alice@mail.example"
    assert rules.form("username=alice%40mail.example&x=1") == f"username={fake.replace('@', '%40')}&x=1"
    assert rules.target("/api/v1/x?email=alice@mail.example") == f"/api/v1/x?email={fake}"
    assert rules.text("/api/v1/followers/alice@mail.example/accept") == f"/api/v1/followers/{fake}/accept"
