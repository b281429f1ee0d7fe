"""Who asks, and how often that is worked out."""

from __future__ import annotations

from dataclasses import replace

from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter
from peertape.proxy.engine.shelf import ANONYMOUS, Shelf
from tests.proxy.engine.conftest import Tape, request


def test_stages_share_the_question_about_a_request(tape: Tape) -> None:
    tape.login("ada", "ada-token")
    cassette = tape.cassette()
    shelf = Shelf([cassette])
    asked = request("GET", "/api/v1/users/me", token="ada-token")
    visitors = replace(asked, headers=asked.headers.without("authorization"))
    first = shelf.ask(asked)
    assert (first.identity, shelf.ask(visitors).identity) == ("user:ada", ANONYMOUS)
    assert shelf.ask(asked) is first
    assert shelf.ask(replace(asked)) is not first
    cassette.close()


def test_another_request_with_a_body_lets_go_of_the_one_before(tape: Tape) -> None:
    cassette = tape.cassette()
    shelf = Shelf([cassette])
    asked = request("POST", "/api/v1/videos/upload", body=b"a film")
    first = shelf.ask(asked)
    shelf.ask(request("POST", "/api/v1/videos/upload", body=b"another"))
    assert shelf.ask(asked) is not first
    cassette.close()


def test_whose_a_token_is_may_be_learned_meanwhile(tape: Tape) -> None:
    cassette = tape.cassette()
    shelf = Shelf([cassette])
    asked = request("GET", "/api/v1/users/me", token="ada-token")
    assert shelf.ask(asked).identity.startswith("token:")
    tape.login("ada", "ada-token")
    writer = CassetteWriter(tape.path, RedactionRules.default())
    for exchange in tape.exchanges:
        writer.add(exchange)
    writer.commit()
    assert shelf.ask(asked).identity == "user:ada"
    writer.close()
    cassette.close()
