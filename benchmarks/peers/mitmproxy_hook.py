"""An addon for `mitmdump --scripts`, which answers from a dictionary; see `mitmproxy.py`."""

from __future__ import annotations

import pickle
from pathlib import Path

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

Fields = tuple[tuple[bytes, bytes], ...]


class Hook:
    def __init__(self) -> None:
        self._answers: dict[str, tuple[Fields, bytes]] = {}

    def load(self, loader: Loader) -> None:
        loader.add_option("answers", str, "", "A pickle of fields and body by target.")

    def configure(self, updated: set[str]) -> None:
        if "answers" in updated and ctx.options.answers:
            self._answers = pickle.loads(Path(ctx.options.answers).read_bytes())

    def request(self, flow: http.HTTPFlow) -> None:
        fields, body = self._answers[flow.request.path]
        flow.response = http.Response.make(200, body, http.Headers(fields))


addons = [Hook()]
