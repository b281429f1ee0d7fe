"""Secrets in URLs: parameters of a query, of a form, and wherever a URL stands in text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from urllib.parse import quote, unquote_plus

from peertape.cassettes.redaction.rules import base_name, folded
from peertape.cassettes.redaction.spelling import in_percent
from peertape.config.secrets import SecretName

LEVELS = 3  # a URL in a URL in a URL: percent-encoded up to twice more

# A URL that is a string of its own, whose values may hold what would end them in running text.
_WHOLE_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?/[^\s?#]*\?[^\s#]*")
_PROBABLY_NOT_PART = ".,;:!"

type Of = Callable[[str, bool], str]


class Parameters:
    """`names` are folded; `of` gives the pseudonym."""

    def __init__(self, names: Mapping[str, SecretName], of: Of) -> None:
        self._names = names
        self._of = of
        self._patterns = [_pattern(names, level) for level in range(LEVELS)]

    def target(self, target: str) -> str:
        """The target of a request: a path with a query."""
        path, mark, query = target.partition("?")
        return self.anywhere(path) + mark + self.pairs(query, self._names)

    def pairs(self, query: str, names: Mapping[str, SecretName]) -> str:
        """A query or a form: pairs divided by &."""
        if not query:
            return query
        return "&".join([self._pair(pair, names) for pair in query.split("&")])

    def _pair(self, pair: str, names: Mapping[str, SecretName]) -> str:
        name, mark, value = pair.partition("=")
        secret = names.get(_plain_name(name))
        if secret is not None and value:
            return name + mark + in_percent(value, lambda text: self._of(text, secret.guessable))
        return self.anywhere(pair)

    def string(self, text: str) -> str:
        """A text of its own: a URL as a whole, or one with URLs in it."""
        if "=" in text and _WHOLE_URL.fullmatch(text.partition("#")[0]):
            url, mark, fragment = text.partition("#")
            return self.target(url) + self.anywhere(mark + fragment)
        return self.anywhere(text)

    def has_secret(self, text: str) -> bool:
        """Whether a secret parameter stands in it."""
        return any(pattern.search(text) for pattern in self._patterns)

    def anywhere(self, text: str) -> str:
        """Every secret parameter of every URL in a text."""
        if "=" not in text and "%" not in text and "u003" not in text:
            return text
        text = self._patterns[0].sub(partial(self._replaced, level=0), text)
        if "%" in text:
            for level in range(1, LEVELS):
                text = self._patterns[level].sub(partial(self._replaced, level=level), text)
        return text

    def _replaced(self, found: re.Match[str], level: int) -> str:
        guessable = found["guessable"] is not None
        value = str(found["value"])
        rest = value[len(value.rstrip(_PROBABLY_NOT_PART)) :]
        value = value[: len(value) - len(rest)]
        if not value:
            return found[0]
        return str(found["before"]) + in_percent(value, lambda text: self._of(text, guessable), level) + rest


def _spellings(name: str, level: int) -> Iterator[str]:
    """Of a name in a URL that is percent-encoded `level` times, which may have been encoded itself before."""
    yield name
    for _ in range(0 if name.isascii() else level + 1):
        name = quote(name)
        yield name


@lru_cache(maxsize=1024)
def _plain_name(spelled: str) -> str:
    return folded(base_name(unquote_plus(spelled)))


def _pattern(names: Mapping[str, SecretName], level: int) -> re.Pattern[str]:
    """Of a secret parameter in a URL that is percent-encoded `level` times."""
    guessable, others = (
        "|".join(
            re.escape(spelled)
            for name, secret in names.items()
            if secret.guessable is wanted
            for known in {name, base_name(secret.name)}
            for spelled in _spellings(known, level)
        )
        or r"(?!)"
        for wanted in (True, False)
    )
    name = f"(?P<guessable>{guessable})|{others}"
    if level == 0:
        divider = r"(?:[?&#](?:amp;|\#38;|\#x26;)?|\\u0026|\\u003f)"
        index, equals = r"(?:\[[^\]\s=&]*\]|%5b[^\s=&%]*%5d)?", r"(?:=|\\u003d)"
        value = r"""[^&"'\s<>\\)\]}\#`|]+"""
    else:
        escape = "%" + "25" * (level - 1)
        divider = rf"{escape}(?:3f|26|23)(?:amp%3b)?"
        index, equals = rf"(?:{escape}5b\w*{escape}5d)?", rf"{escape}3d"
        value = rf"""(?:[^%&"'\s<>\\)\]}}\#`|=?/]|{escape}25[0-9a-f]{{2}})+"""
    return re.compile(rf"(?P<before>{divider}(?:{name}){index}{equals})(?P<value>{value})", re.IGNORECASE)
