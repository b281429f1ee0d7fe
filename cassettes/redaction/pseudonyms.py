"""Stable pseudonyms of the same length and alphabet."""

from __future__ import annotations

import hashlib
import hmac
import re
import string
import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import count
from typing import Protocol

BASE32 = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
ENOUGH_TRIES = 64
REMEMBERED = 4096

_HEX_TEXT = re.compile(r"[0-9a-f:-]*[a-f][0-9a-f:-]*")
_IPV4_TEXT = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)")
_BASE32_TEXT = re.compile(r"[A-Z2-7]*[A-Z][A-Z2-7]*")

# Replacements of the same UTF-8 length: letters of Latin-1, of CJK and of its extension B.
_WIDE = {
    2: [chr(code) for code in range(0xE0, 0xF7)],
    3: [chr(code) for code in range(0x4E00, 0x4F00)],
    4: [chr(code) for code in range(0x20000, 0x20100)],
}
# An octet that is no UTF-8, as "surrogateescape" spells it. F8 to FF never occur in UTF-8, so that what was
# undecodable stays so.
_STRAY = [chr(code) for code in range(0xDCF8, 0xDD00)]


class Substitution(Protocol):
    """What stands in for a secret: Pseudonyms while recording."""

    def of(self, secret: str, guessable: bool) -> str:
        """A text of the same length, with each character replaced by one of the same UTF-8 length."""
        ...


class Pseudonyms:
    """Pseudonyms of one cassette. A text that was issued as a pseudonym counts as the secret itself.

    `issued` are those of earlier recordings: read once, or, where it can only be asked for membership, asked each time.
    `on_issue` learns each new one. Safe to share between threads.
    """

    def __init__(
        self,
        key: bytes,
        salt: bytes,
        issued: Iterable[str] | Container[str] = (),
        on_issue: Callable[[str], None] | None = None,
    ) -> None:
        self._key = key
        self._salt = salt
        self._issued = set(issued) if isinstance(issued, Iterable) else set()
        self._earlier: Container[str] = () if isinstance(issued, Iterable) else issued
        self._on_issue = on_issue
        self._slow: OrderedDict[bytes, bytes] = OrderedDict()
        self._made: OrderedDict[bytes, str] = OrderedDict()  # by what it is made from, which is no secret
        self._lock = threading.Lock()

    def known(self, text: str) -> bool:
        """Whether it was issued as a pseudonym."""
        return text in self._issued or text in self._earlier

    def of(self, secret: str, guessable: bool) -> str:
        """The pseudonym: the text itself if it is one, or if it has no letter or digit to replace."""
        if self.known(secret):
            return secret
        seed = self._slow_seed(secret) if guessable else self._hash(b"random", secret)
        with self._lock:
            pseudonym = self._made.get(seed)
        if pseudonym is None:
            pseudonym = _pseudonym(secret, seed)
            with self._lock:
                self._made[seed] = pseudonym
                while len(self._made) > REMEMBERED:
                    self._made.popitem(last=False)
        if pseudonym == secret:
            return secret
        with self._lock:
            new = pseudonym not in self._issued
            self._issued.add(pseudonym)
        if new and self._on_issue is not None:
            self._on_issue(pseudonym)
        return pseudonym

    def _hash(self, purpose: bytes, secret: str) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + _octets(secret), "sha256")

    def _slow_seed(self, secret: str) -> bytes:
        # Remembered by hash: this process need not keep passwords either.
        name = self._hash(b"remembered", secret)
        with self._lock:
            if (seed := self._slow.get(name)) is not None:
                self._slow.move_to_end(name)
                return seed
        seed = hashlib.scrypt(_octets(secret), salt=self._salt, n=2**14, r=8, p=1, maxmem=2**26, dklen=32)
        with self._lock:
            self._slow[name] = seed
            while len(self._slow) > REMEMBERED:
                self._slow.popitem(last=False)
        return seed


def _pseudonym(secret: str, seed: bytes) -> str:
    """The secret itself if it has nothing to replace."""
    shape = _shape(secret)
    if any(len(choices) > 1 for choices in shape):
        for attempt in range(ENOUGH_TRIES):
            stream = _stream(seed, attempt)
            pseudonym = "".join(_pick(choices, stream) for choices in shape)
            if pseudonym != secret:
                return pseudonym
    return secret


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _stream(seed: bytes, attempt: int) -> Iterator[int]:
    """Numbers below 65536 without end."""
    for block in count():
        digest = hmac.digest(seed, b"%d.%d" % (attempt, block), "sha256")
        for i in range(0, len(digest), 2):
            yield digest[i] << 8 | digest[i + 1]


def _pick(choices: str | list[str], stream: Iterator[int]) -> str:
    return choices[next(stream) % len(choices)] if len(choices) > 1 else choices[0]


def _shape(secret: str) -> list[str | list[str]]:
    """What may stand at each position; a single choice is a character (or an octet of an address) that stays."""
    if _IPV4_TEXT.fullmatch(secret):
        return _address_shape(secret)
    if _HEX_TEXT.fullmatch(secret):
        return [character if character in ":-" else HEX for character in secret]
    if _BASE32_TEXT.fullmatch(secret):
        return [BASE32 for _ in secret]
    shape = [_class_of(character) for character in secret]
    if secret.isascii() and secret.isdigit() and secret[0] != "0":
        shape[0] = "123456789"
    return shape


def _address_shape(secret: str) -> list[str | list[str]]:
    """An address stays one: octets of the same number of digits."""
    octets = {1: (0, 10), 2: (10, 100), 3: (100, 256)}
    shape: list[str | list[str]] = []
    for digits in secret.split("."):
        shape += [[str(n) for n in range(*octets[len(digits)])], "."]
    return shape[:-1]


def _class_of(character: str) -> str | list[str]:
    if character.isascii():
        for alphabet in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
            if character in alphabet:
                return alphabet
        return character
    if "\ud800" <= character <= "\udfff":
        return _STRAY
    return _WIDE[len(character.encode("utf-8"))]
