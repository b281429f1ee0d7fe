"""What pseudonyms stand for, as far as a run has seen it: in memory only, and never more than so many.

An app that logged in at the instance itself holds real tokens; the recording knows their pseudonyms alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from peertape.cassettes.redaction.pseudonyms import Substitution

KEPT = 10_000


class Recollection:
    """Puts secrets back: to a `Redactor` it is a substitution like the pseudonyms, the other way round.

    Safe to share between threads.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._secrets: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def note(self, pseudonym: str, secret: str) -> None:
        with self._lock:
            self._secrets[pseudonym] = secret
            self._secrets.move_to_end(pseudonym)
            while len(self._secrets) > self._kept:
                self._secrets.popitem(last=False)

    def of(self, secret: str, guessable: bool) -> str:  # noqa: ARG002 (either kind is found by its pseudonym)
        """What the pseudonym stands for; the text itself if that is not known."""
        with self._lock:
            return self._secrets.get(secret, secret)


class Noting:
    """Pseudonyms that note what each stands for."""

    def __init__(self, pseudonyms: Substitution, recollection: Recollection) -> None:
        self._pseudonyms = pseudonyms
        self._recollection = recollection

    def of(self, secret: str, guessable: bool) -> str:
        pseudonym = self._pseudonyms.of(secret, guessable)
        if pseudonym != secret:
            self._recollection.note(pseudonym, secret)
        return pseudonym
