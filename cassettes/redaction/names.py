"""Whether a text can hold a secret at all: most cannot, and to read them token by token takes long."""

from __future__ import annotations

import re
from collections.abc import Iterable

from peertape.cassettes.redaction.rules import RedactionRules, folded

_SCHEMES = frozenset({"bearer", "basic"})  # before credentials in free text
# The end of %3F and of %3B is no part of the name behind it.
_BEGINNING = r"(?:(?<![a-z])|(?<=3f)|(?<=3b))"
_ENCODED_LETTER = re.compile(r"%(?:[46][1-9a-f]|[57][0-9a]|5f)")
_LIKE_ASCII = re.compile("[\u0130\u0131\u017f\u212a]")  # where case does not count, these are i, s and k


class SecretNames:
    """The names at which secrets stand, in all the spellings that redaction knows."""

    def __init__(self, rules: RedactionRules) -> None:
        names = {folded(name) for name in (*rules.echoes, *rules.members)} | _SCHEMES
        stems = [name for name in sorted(names) if not any(other in name for other in names - {name})]
        self._names = {stem: _any_of(name for name in names if stem in name) for stem in stems}
        by_name = not (rules.paths or rules.emails or rules.addresses)
        self._name_tells = by_name and all(name.isascii() for name in names)

    def may_be_in(self, text: str) -> bool:
        """False only where none stands: then redaction leaves the text as it is."""
        if not self._name_tells or "\\u" in text or (not text.isascii() and _LIKE_ASCII.search(text)):
            return True
        lower = text.lower()
        for stem, names in self._names.items():
            if stem in lower and names.search(lower):
                return True
        return "%" in lower and _ENCODED_LETTER.search(lower) is not None


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(_BEGINNING + "(?:" + "|".join(sorted(map(re.escape, names))) + ")")
