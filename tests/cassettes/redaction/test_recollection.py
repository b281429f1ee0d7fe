"""What pseudonyms stand for is known to the run that saw it, as long as there is room."""

from __future__ import annotations

from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.recollection import Noting, Recollection
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules

TEXT = '{"access_token":"s3cr\\u0065t","name":"s3cret","link":"/file?videoFileToken=a%2Fb&x=1"}'


def test_redacting_the_other_way_round_gives_the_text_back() -> None:
    known, rules = Recollection(), RedactionRules.default()
    assert not known
    redacted = Redactor(Noting(Pseudonyms(b"key", b"salt"), known), rules).json(TEXT)
    assert redacted != TEXT
    assert Redactor(known, rules).json(redacted) == TEXT


def test_a_pseudonym_stands_for_no_other() -> None:
    pseudonyms, known = Pseudonyms(b"key", b"salt"), Recollection()
    noting = Noting(pseudonyms, known)
    pseudonym = noting.of("secret", False)
    assert noting.of(pseudonym, False) == pseudonym
    assert known.of(pseudonym, False) == "secret"
    assert known.of("unknown", False) == "unknown"


def test_it_never_keeps_more_than_it_may() -> None:
    known = Recollection(kept=2)
    for number in range(3):
        known.note(f"pseudonym{number}", f"secret{number}")
    assert [known.of(f"pseudonym{number}", True) for number in range(3)] == ["pseudonym0", "secret1", "secret2"]
