"""What is told to hold no secret is left as it is by redaction, which would have read it token by token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.redaction.names import SecretNames
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules

RULES = RedactionRules.build([{"dumps": True}, {"header": "X-Mine"}, {"query": "jwt"}])
NAMES = SecretNames(RULES)

# What secrets stand behind, beside, and within; spelled in every way that redaction undoes.
pieces = st.sampled_from(
    (
        *("token", "Token", "accessToken", "videoFileToken", "uri", "magnetUri", "secret", "password", "jwt", "x-mine"),
        *("videoPasswords[0]", "client_id", "streamKey", "to\u212aen", "pa\u017f\u017fword", "%74oken", "\\u0074oken"),
        *("?", "&", "=", "&amp;", "%3F", "%26", "%3D", "%253F", "%253D", "%3b", "%2F", "\\u0026", "\\u003d", "#", ";"),
        *(
            '"',
            "'",
            ":",
            ",",
            "{",
            "}",
            "[",
            "]",
            "<",
            ">",
            "</",
            "\\",
            "/",
            " ",
            "\n",
            "http://a.example/",
            "value123",
        ),
        *("Bearer ", "basic YTpi", "Authorization: ", "Client secret: ", "cookie", "invalid-params", "é", "x", "7"),
        *('{"token": "abc12345"}', "?token=abc12345", '{"uri": "a1b2c3"}', "<uri>abc123</uri>"),
    )
)
texts = st.lists(pieces, max_size=14).map("".join)


def redactor(*, reads_all: bool) -> Redactor:
    made = Redactor(Pseudonyms(b"k" * 32, b"s" * 16), RULES)
    if reads_all:
        made._names.may_be_in = lambda _text: True  # type: ignore[method-assign]
    return made


READS_ALL = redactor(reads_all=True)
KNOWS = redactor(reads_all=False)


@given(texts)
def test_redaction_would_find_nothing(text: str) -> None:
    if not NAMES.may_be_in(text):
        assert READS_ALL.json(text) == text
        assert READS_ALL.document(text) == text
    else:
        assert KNOWS.json(text) == READS_ALL.json(text)


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ('{"name": "a film", "magnetUri": "magnet:?xt=urn"}', False),
        ('{"security": "none", "uris": []}', True),
        ('{"magnetUri": "magnet:?xs=https%3A%2F%2Ftube.example%2Fa.torrent"}', False),
        ('{"url": "https://tube.example/a?%74oken=1"}', True),
        ('{"url": "https%3A%2F%2Ftube.example%3Ftoken%3D1"}', True),
        ('{"url": "https%3A%2F%2Ftube.example%26amp%3Btoken%3D1"}', True),
        ('{"password": "x"}', True),
        ('{"magnetUri": "", "during": "", "uri": ""}', True),
        ('{"magnetUri": "", "during": "", "curio": ""}', False),
        ('{"mypassword": "", "newPassword": ""}', True),
        ('{"mypassword": "", "anewPassword": ""}', False),
        ("token", True),
        ('{"a": "\\u0041"}', True),
    ],
)
def test_what_may_hold_one(text: str, may: bool) -> None:
    assert NAMES.may_be_in(text) is may


def test_rules_that_go_by_no_name_have_all_read() -> None:
    for rule in ({"email": True}, {"ip": True}, {"json": "$.data[*].name"}):
        assert SecretNames(RedactionRules.build([rule])).may_be_in("{}")
