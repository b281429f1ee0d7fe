"""A client that knows a secret by its pseudonym alone: the instance is told the secret, if this run knows it."""

from __future__ import annotations

from dataclasses import replace

from peertape.addons.instance import Ask
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.filters import request_body_filter
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules


class Unmasking:
    def __init__(self, known: Recollection, rules: RedactionRules) -> None:
        self._known = known
        self._secrets = Redactor(known, rules)  # the other way round

    def __call__(self, ask: Ask) -> Ask:
        if not self._known:
            return ask
        headers = Headers.from_bytes(ask.headers)
        told = replace(
            ask,
            target=self._secrets.target(ask.target.decode("latin-1")).encode("latin-1"),
            headers=self._secrets.headers(headers, response=False).to_bytes(),
        )
        if not isinstance(ask.body, bytes) or not ask.body:
            return told
        body = request_body_filter(headers, self._secrets)
        octets = body.feed(ask.body) + body.finish()
        # A pseudonym is as long as its secret: anything else is a body that could not be looked into.
        return replace(told, body=octets) if len(octets) == len(ask.body) else told
