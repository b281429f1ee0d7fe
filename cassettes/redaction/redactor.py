"""Secrets in targets, headers and texts, replaced where they stand."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from functools import partial

from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.bodyfilter import looks_like_text
from peertape.cassettes.redaction.jsontext import JsonText
from peertape.cassettes.redaction.names import SecretNames
from peertape.cassettes.redaction.parameters import Parameters
from peertape.cassettes.redaction.pseudonyms import Substitution
from peertape.cassettes.redaction.rules import RedactionRules, base_name, folded
from peertape.cassettes.redaction.spelling import in_percent, latin
from peertape.config.secrets import HeaderForm, SecretName

REMEMBERED = 8192  # header fields
_PACKETS_END = "\x1e"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HANDLE = re.compile(r"[\w.-]+@[\w.-]+(?::\d+)?")
_EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\d)"
    r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,7}(?::?[0-9A-Fa-f]{1,4}){1,7}(?![\w:])"
)
_CREDENTIALS = re.compile(
    r"""(?P<before>(?:\bauthorization\W{1,8}|\A\s*(?=\w+\s+\S+\s*\Z)|\b(?=bearer\s+[A-Za-z0-9._~+/-]{20})|\b(?=basic))"""
    r"""(?P<scheme>bearer|basic)\s+)(?P<credentials>[A-Za-z0-9._~+/-]+=*)""",
    re.IGNORECASE,
)
# What PeerTube's installer prints, once, into the log.
_INSTALLED = re.compile(r"""(?P<before>\b(?P<what>Client secret|User password): )(?P<value>[^\r\n"\\]+)""")
# The machine itself, and no address at all, tell nothing about anyone.
_NOBODY = re.compile(r"127\.\d+\.\d+\.\d+|0\.0\.0\.0")


class Redactor:
    """Stateless but for the pseudonyms; whatever is no secret stays byte for byte, and every length as well."""

    def __init__(self, pseudonyms: Substitution, rules: RedactionRules) -> None:
        self.rules = rules
        self._of = pseudonyms.of
        self._names = SecretNames(rules)
        self._harmless: set[tuple[str, str]] = set()
        self._queries = Parameters(rules.queries, pseudonyms.of)
        self._json = JsonText(rules, self._value, self._inner)
        # Without those of which only a part is secret: Atom has a harmless element `uri`.
        named = {name: secret for name, secret in rules.members.items() if secret.keep != "uri"}
        headers = {name: header for name, header in rules.headers.items() if header.form != "credentials"}
        self._dumped = named | {name: SecretName(name=name, guessable=headers[name].guessable) for name in headers}
        self._loose_member = _member_pattern(self._dumped)
        self._element = _element_pattern(named)

    def target(self, target: str) -> str:
        """The target of a request; its query parameters may be percent-encoded."""
        return self._people(self._queries.target(target))

    def headers(self, headers: Headers, response: bool) -> Headers:
        """Of a request or a response (or their trailers)."""
        new = [field for field in headers.pairs if field not in self._harmless]
        if all(map(self._is_harmless, new)):
            return headers
        return headers.mapped(lambda name, value: latin(partial(self._header, name, response), value))

    def _is_harmless(self, field: tuple[str, str]) -> bool:
        """Whether nothing in it is ever replaced, wherever it stands. Most fields come again and again."""
        name, value = field
        if self.rules.emails or self.rules.addresses or name.lower() in self.rules.headers:
            return False
        if latin(self._queries.anywhere, value) != value:
            return False
        if len(self._harmless) >= REMEMBERED:
            self._harmless.clear()
        self._harmless.add(field)
        return True

    def json(self, text: str) -> str:
        """A JSON text, valid or not."""
        if not self._names.may_be_in(text):
            return text
        redacted = self._json.redacted(text)
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            # Out of step somewhere: once more, without regard to the structure.
            return self._dumps(self.text(redacted))
        return redacted

    def form(self, text: str) -> str:
        """A body of type application/x-www-form-urlencoded."""
        return self._people(self._queries.pairs(text, self.rules.fields))

    def field(self, name: str, text: str) -> str:
        """The content of a field of a multipart body."""
        secret = self.secret_field(name)
        if secret is not None:
            return self._value(text, secret)
        if text.lstrip()[:1] in ("{", "["):
            return self.json(text)
        return self._inner(text)

    def secret_field(self, name: str) -> SecretName | None:
        """What a form field of that name holds, if that is a secret."""
        return self.rules.fields.get(folded(base_name(name)))

    def text(self, text: str) -> str:
        """Any text: parameters wherever a URL stands, and what the user's rules ask for."""
        text = self._queries.anywhere(text)
        return self._people(self._dumps(text) if self.rules.dumps else text)

    def document(self, text: str) -> str:
        """HTML, XML, playlists, plain text: as `text`, and XML elements."""
        if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
            return self.json(text)
        if not self._names.may_be_in(text):
            return text
        return self._element.sub(self._in_element, self.text(text))

    def _in_element(self, found: re.Match[str]) -> str:
        return found[1] + self._value(found[3], self.rules.members[found[2]])

    def message(self, content: bytes, *, is_text: bool) -> bytes:
        """A message of a WebSocket: JSON, maybe with socket.io's packet type and namespace before it. Some clients send
        texts as binary messages.
        """
        if not is_text and not looks_like_text(content):
            return content
        return self._packet(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def packets(self, text: str) -> str:
        """A body of engine.io's polls: messages like those of a WebSocket, one after the other."""
        return _PACKETS_END.join(map(self._packet, text.split(_PACKETS_END)))

    def _packet(self, text: str) -> str:
        if start := re.search(r"[{\[]", text):
            return self.text(text[: start.start()]) + self.json(text[start.start() :])
        return self.text(text)

    def _dumps(self, text: str) -> str:
        """Requests and objects as PeerTube's own log prints them, which administrators may read through the API."""
        if "earer " in text or "asic " in text:
            text = _CREDENTIALS.sub(self._in_dump, text)
        if ":" in text and ("'" in text or '"' in text):
            text = self._loose_member.sub(self._in_member, text)
        return _INSTALLED.sub(self._of_installation, text)

    def _in_dump(self, found: re.Match[str]) -> str:
        before, credentials = found["before"], found["credentials"]
        if "asic" not in found["scheme"]:
            return str(before + self._of(credentials, False))
        return str(before + (self._basic(credentials) or credentials))

    def _of_installation(self, found: re.Match[str]) -> str:
        return str(found["before"] + self._of(found["value"], found["what"] == "User password"))

    def _in_member(self, found: re.Match[str]) -> str:
        return str(found["before"] + self._value(found["value"], self._dumped[found["name"]]))

    def _inner(self, text: str) -> str:
        """A string within JSON, or a field."""
        text = self._queries.string(text)
        return self._people(self._dumps(text) if self.rules.dumps else text)

    def _value(self, text: str, secret: SecretName) -> str:
        """A value that is a secret as a whole, as far as its kind says so."""
        if secret.keep == "nothing":
            return self._of(text, secret.guessable)
        if secret.keep == "uri":
            if self._queries.has_secret(text):
                return self._queries.string(text)
            if _HANDLE.fullmatch(text):
                return text
        scheme = found[0] if (found := _SCHEME.match(text)) else ""
        return scheme + self._of(text[len(scheme) :], secret.guessable)

    def _header(self, name: str, response: bool, value: str) -> str:
        secret = self.rules.headers.get(name)
        if secret is None or (response and secret.of_requests):
            value = self._queries.anywhere(value)
            if self.rules.emails:
                value = _EMAIL.sub(self._person, value)
            if self.rules.addresses and not response and name in self.rules.address_headers:
                value = _ADDRESS.sub(self._person, value)
            return value
        form: HeaderForm = secret.form
        if form == "credentials":
            return self._credentials(value)
        if form == "cookies":
            return ";".join(self._cookie(pair) for pair in value.split(";"))
        if form == "set-cookie":
            pair, mark, attributes = value.partition(";")
            return self._cookie(pair) + mark + attributes
        bare = value.strip()
        return value.replace(bare, self._of(bare, secret.guessable), 1) if bare else value

    def _cookie(self, pair: str) -> str:
        name, mark, value = pair.partition("=")
        if not mark:
            name, value = name[: len(name) - len(name.lstrip())], name.lstrip()
        return name + mark + in_percent(value, partial(self._of, guessable=False), plus=False)

    def _credentials(self, value: str) -> str:
        found = re.fullmatch(r"(\s*[^\s]+\s+)(\S.*?)(\s*)", value, re.DOTALL)
        if found is None:
            return self._of(value, False)
        scheme, credentials, end = found.groups()
        if scheme.strip().lower() == "bearer":
            return scheme + self._of(credentials, False) + end
        if scheme.strip().lower() == "basic" and (redacted := self._basic(credentials)) is not None:
            return scheme + redacted + end
        return scheme + self._of(credentials, True) + end

    def _basic(self, credentials: str) -> str | None:
        try:
            pair = base64.b64decode(credentials.rstrip("=") + "=" * (-len(credentials.rstrip("=")) % 4), validate=True)
        except (binascii.Error, ValueError):
            return None
        user, mark, password = pair.partition(b":")
        if not mark:
            return None
        text = password.decode("utf-8", "surrogateescape")
        new = self._of(text, True)
        if new == text:
            return credentials
        fresh = base64.b64encode(user + mark + new.encode("utf-8", "surrogateescape")).decode("ascii")
        return fresh.rstrip("=") + credentials[len(credentials.rstrip("=")) :]

    def _people(self, text: str) -> str:
        if self.rules.emails and ("@" in text or "%40" in text):
            text = _EMAIL.sub(self._person, text)
        return _ADDRESS.sub(self._person, text) if self.rules.addresses else text

    def _person(self, found: re.Match[str]) -> str:
        person = found[0].replace("%40", "@")  # as forms and queries spell it
        if _NOBODY.fullmatch(person):
            return found[0]
        pseudonym = self._of(person, True)
        return pseudonym if person == found[0] else pseudonym.replace("@", "%40")


def etag_after(headers: Headers, before: bytes, after: bytes) -> Headers:
    """With Express's ETag of `before` replaced by that of `after`; any other ETag stays."""
    recorded = headers.get("etag")
    for weak in (True, False):
        if recorded == express_etag(before, weak):
            return headers.replaced("etag", express_etag(after, weak))
    return headers


def _any_of(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


def _member_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """`"member": "value"`, also with single or escaped quotes, or the member without any.

    JSON in JSON doubles the backslashes; both bounds keep the time linear.
    """
    return re.compile(
        rf"""(?P<before>(?P<open>\\{{0,31}}["']|(?<![\w.$-]))(?P<name>{_any_of(names)})(?:\[[^\]]{{0,99}}\])?"""
        r"""(?P=open)\s*:\s*(?P<quote>\\*["']))(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))+)""",
        re.DOTALL,
    )


def _element_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """`<member>value</member>`."""
    return re.compile(rf"(<(?:[\w.-]+:)?({_any_of(names)})(?:\s[^<>]*)?>)([^<>]+)")
