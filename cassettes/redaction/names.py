"""Whether a text can hold a secret at all: most cannot, and to read them token by token takes long."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
        self._names = [_Names(stem, [name for name in names if stem in name]) for stem in stems]
        by_name = not (rules.paths or rules.emails or rules.addresses)
        self._name_tells = by_name and all(name.isascii() for name in names)

    def may_be_in(self, text: str) -> bool:
        """False only where none stands: then redaction leaves the text as it is."""
        if not self._name_tells or "\\u" in text or (not text.isascii() and _LIKE_ASCII.search(text)):
            return True
        lower = text.lower()
        if any(names.stand_in(lower) for names in self._names):
            return True
        return "%" in lower and _ENCODED_LETTER.search(lower) is not None


class _Names:
    """Those with one stem in them, which is searched for first: their pattern is tried at every letter."""

    def __init__(self, stem: str, names: Sequence[str]) -> None:
        self._stem = stem
        self._pattern = re.compile(_BEGINNING + "(?:" + "|".join(sorted(map(re.escape, names))) + ")")
        self._before = max(name.rindex(stem) for name in names)
        self._behind = max(len(name) - name.index(stem) for name in names)

    def stand_in(self, text: str) -> bool:
        at = text.find(self._stem)
        while at >= 0:
            if self._pattern.search(text, max(0, at - self._before), at + self._behind):
                return True
            at = text.find(self._stem, at + 1)
        return False
