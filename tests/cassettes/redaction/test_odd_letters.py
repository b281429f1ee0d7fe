"""Names in letters that fold oddly: where case does not count, `paſſword` and `vİdeoFileToken` are names of secrets."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.filters import request_body_filter, response_body_filter
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules, folded

SECRET = "Zq7uV9xW2y"
SAME = {
    "s": "sS\u017f",
    "k": "kK\u212a",
    "i": "iI\u0130\u0131",
    "\u03c3": "\u03c3\u03c2\u03a3",
    "\u03bc": "\u00b5\u03bc",
    "\u00df": "\u00df\u1e9e",
}
RULES: list[dict[str, Any]] = [{"dumps": True}, {"query": "\u03bc\u03c3-stra\u00dfe"}, {"header": "X-Mine"}]
TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/html; charset=utf-8",
    "text/plain; charset=utf-16",
    "application/vnd.apple.mpegurl",
    "",
)


def redactor(*more: dict[str, Any]) -> Redactor:
    return Redactor(Pseudonyms(b"k" * 32, b"s" * 16), RedactionRules.build([*RULES, *more]))


MADE = redactor()


def spelled(name: str) -> st.SearchStrategy[str]:
    """The name in all letters that count as its own."""
    letters = (st.sampled_from(SAME.get(letter, letter + letter.upper()[:1])) for letter in name.lower())
    return st.tuples(*letters).map("".join)


parameters = st.sampled_from(sorted(MADE.rules.queries)).flatmap(spelled)
fields = st.sampled_from(sorted(MADE.rules.fields)).flatmap(spelled)


@given(parameters)
def test_a_parameter_wherever_a_url_stands(name: str) -> None:
    url = f"https://tube.example/a?x=1&{name}={SECRET}&y"
    texts = {
        MADE.target(f"/a?x=1&{quote(name)}={SECRET}"),
        MADE.text(f"see {url} there"),
        MADE.document(f'<a href="{url}">'),
        MADE.json(json.dumps({"url": url, "text": f"see {url}"})),
        MADE.json(json.dumps({"url": url}, ensure_ascii=False)),
        MADE.json(f"no JSON: {url}"),
        MADE.form(f"back=see {url}"),
        MADE.field("back", url),
        MADE.message(f'42["event",{{"url":"{url}"}}]'.encode(), is_text=True).decode(),
        *dict(MADE.headers(Headers((("Location", url.encode().decode("latin-1")),)), response=True).pairs).values(),
    }
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize("name", ["cl\u00e9", "\u00b5-stra\u00dfe", "\u0130d"])
def test_a_parameter_that_is_percent_encoded(name: str) -> None:
    made = redactor({"query": name})
    url = f"https://tube.example/a?{name}={SECRET}"
    for inner in (url, quote(url, safe=":/?=")):
        assert SECRET not in made.target(f"/back?to={quote(inner)}")
        for text in (inner, quote(inner), quote(quote(inner))):
            assert SECRET not in made.text(f"see {text} there")


@given(fields)
def test_a_field(name: str) -> None:
    echo = {"invalid-params": {name: {"value": SECRET, "path": name}}}
    texts = {
        MADE.form(f"a=b&{name}={SECRET}"),
        MADE.form(f"{quote(name)}[0]={SECRET}"),
        MADE.field(name, SECRET),
        MADE.json(json.dumps(echo)),
    }
    # Of `uri` only what is a URL's is secret.
    assert folded(name) == "uri" or not [text for text in texts if SECRET in text]


@given(st.text(min_size=1).filter(lambda name: not set(name) & set(" \t\r\n:=&?#+%[]")))
def test_a_name_of_the_users_own_in_whatever_letters(name: str) -> None:
    try:
        made = redactor({"query": name})
    except ValueError:  # it has blanks of other alphabets
        return
    for known in (name, name.upper(), name.lower()):
        if folded(known) == folded(name):
            assert SECRET not in made.form(f"a=b&{known}={SECRET}")
            assert SECRET not in made.text(f"see /a?{known}={SECRET}")
            assert SECRET not in made.document(f"see /a?{known}={SECRET}")


stray = st.characters(codec="utf-8") | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"])
marks = st.sampled_from(
    ("?", "&", "=", "%3F", "%253d", "\\u0026", '"', ":", "{", "}", "[", "<", ">", "\\", "Bearer ", "\r\n")
)
part = 'Content-Disposition: form-data; name="'
pieces = st.lists(fields | marks | st.text(stray, max_size=6) | st.sampled_from(("--b\r\n", part, SECRET)), max_size=12)


@given(pieces.map("".join))
def test_nothing_raises_and_every_length_stays(text: str) -> None:
    for redacted in (
        MADE.target(text),
        MADE.text(text),
        MADE.document(text),
        MADE.json(text),
        MADE.form(text),
        MADE.packets(text),
        MADE.field(text, text),
    ):
        assert len(redacted) == len(text)
    octets = text.encode("utf-8", "surrogateescape")
    value = octets.decode("latin-1")
    told = MADE.headers(Headers(((value, value), ("Cookie", value), ("Authorization", value))), response=False)
    assert [len(given) for _, given in told] == [len(value)] * 3
    for declared in TYPES:
        for made in (request_body_filter, response_body_filter):
            body = made(Headers((("Content-Type", declared),)), MADE)
            assert len(body.feed(octets) + body.finish()) == len(octets)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("pa\u017f\u017fWord", "password"),
        ("to\u212aen", "token"),
        ("v\u0130deof\u0131le", "videofile"),
        ("\u03a3\u03c2", "\u03c3\u03c3"),
        ("Stra\u1e9ee", "stra\u00dfe"),
    ],
)
def test_folding_keeps_the_number_of_letters(name: str, known: str) -> None:
    assert folded(name) == known
