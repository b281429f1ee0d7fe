"""What is redacted: PeerTube's positions of secrets, and the user's rules beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from peertape.config.secrets import RedactRule, SecretHeader, SecretName, json_path, secret_positions

type JsonPath = tuple[str | int, ...]

_DOTTED_AND_DOTLESS = "\u0130\u0131"  # capital and small, of Turkish


@dataclass(frozen=True, slots=True)
class PathRule:
    path: JsonPath
    secret: SecretName


@dataclass(frozen=True, slots=True)
class RedactionRules:
    """Names are without [...], and folded but for members: PeerTube tells `password` from the `Password` that is
    a key of its translations. The mappings cannot be changed.
    """

    members: Mapping[str, SecretName]  # of JSON
    fields: Mapping[str, SecretName]  # of forms and multipart bodies: the members and the queries
    queries: Mapping[str, SecretName]
    headers: Mapping[str, SecretHeader]
    echoes: Mapping[str, SecretName]  # what the `invalid-params` of an error document may be about: all of the above
    paths: tuple[PathRule, ...] = ()
    emails: bool = False
    addresses: bool = False
    dumps: bool = False  # credentials in free text, such as the requests that PeerTube's server log prints
    address_headers: frozenset[str] = frozenset()

    def names_secret(self, name: str) -> bool:
        """Whether a member, field, parameter or header of that name holds one."""
        return base_name(name) in self.fields or folded(base_name(name)) in self.queries or name.lower() in self.headers

    @classmethod
    def default(cls) -> RedactionRules:
        """PeerTube's positions alone."""
        return cls.build()

    @classmethod
    def build(cls, user: Iterable[RedactRule | Mapping[str, Any]] = ()) -> RedactionRules:
        """PeerTube's positions with the user's beside them; a faulty rule raises pydantic's ValidationError."""
        positions = secret_positions()
        members = {entry.name: entry for entry in positions.members}
        queries = {folded(entry.name): entry for entry in positions.queries}
        headers = {entry.name.lower(): entry for entry in positions.headers}
        paths: list[PathRule] = []
        emails = addresses = dumps = False
        for given in user:
            rule = given if isinstance(given, RedactRule) else RedactRule.model_validate(given)
            if rule.header is not None:
                headers.setdefault(rule.header.lower(), SecretHeader(name=rule.header, guessable=rule.guessable))
            elif rule.query is not None:
                secret = SecretName(name=rule.query, guessable=rule.guessable)
                queries.setdefault(folded(base_name(rule.query)), secret)
            elif rule.json_ is not None:
                _add_path(rule, members, paths)
            emails = emails or bool(rule.email)
            addresses = addresses or bool(rule.ip)
            dumps = dumps or bool(rule.dumps)
        fields = {**queries, **{folded(name): secret for name, secret in members.items()}}
        named = {name: SecretName(name=header.name, guessable=header.guessable) for name, header in headers.items()}
        return cls(
            members=MappingProxyType(members),
            fields=MappingProxyType(fields),
            queries=MappingProxyType(queries),
            headers=MappingProxyType(headers),
            echoes=MappingProxyType({**named, **fields}),
            paths=tuple(paths),
            emails=emails,
            addresses=addresses,
            dumps=dumps,
            address_headers=frozenset(name.lower() for name in positions.address_headers),
        )


def _add_path(rule: RedactRule, members: dict[str, SecretName], paths: list[PathRule]) -> None:
    path = json_path(rule.json_ or "")
    secret = SecretName(name=str(path[-1]), guessable=rule.guessable)
    if len(path) == 2 and path[0] == "..":
        members.setdefault(base_name(str(path[1])), secret)
    else:
        paths.append(PathRule(path, secret))


def base_name(name: str) -> str:
    """`videoPasswords[0]` is `videoPasswords`."""
    return name.partition("[")[0]


def folded(name: str) -> str:
    """The name where case does not count, letter by letter, as regular expressions see it: `paſſword` is `password`."""
    return name.lower() if name.isascii() else "".join(map(_folded, name))


def _folded(letter: str) -> str:
    if letter in _DOTTED_AND_DOTLESS:
        return "i"
    return next((found for found in (letter.casefold(), letter.lower()) if len(found) == 1), letter)


def matches(rule: JsonPath, path: JsonPath) -> bool:
    """Whether the rule's path leads to this one; a list's items count as the list itself."""
    if not rule:
        return all(isinstance(step, int) for step in path)
    if rule[0] == "..":
        return any(matches(rule[1:], path[i:]) for i in range(len(path)))
    if not path:
        return False
    same = isinstance(path[0], int) if rule[0] == "*" else rule[0] == path[0]
    return same and matches(rule[1:], path[1:])
