"""Importing with two processes, which are forked: from a process that has no other thread, as this one has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select

from peertape.cassettes import schema
from peertape.cassettes.bodies import read
from peertape.cassettes.model import Exchange
from peertape.cassettes.store import Cassette

ENOUGH = 200  # exchanges: they go to the other process in several batches
IMPORTS = """
import sys
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from peertape.cassettes import demo
from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.importing import ImportApart, ImportHere
from peertape.cassettes.model import State
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

FIXED = {"key": "00" * 32, "salt": "11" * 16, "created": "1000.000"}
BIG = 5_000_000  # octets: more than what goes to the other process at once

here, apart = map(Path, sys.argv[1:])
rules = RedactionRules.default()
bundled = Cassette(demo.path())
exchanges = list(islice(bundled.exchanges(), 400))
film = replace(exchanges[0].response, body=BytesBody(bytes(range(250)) * (BIG // 250)))
upload = replace(exchanges[0].request, method="POST", body=BytesBody(b"x" * BIG))
exchanges += [
    replace(exchanges[0], response=film),
    replace(exchanges[0], response=film, state=State.CUT, error="cut"),
    replace(exchanges[0], request=upload),
    replace(exchanges[0], response=None, state=State.FAILED, error="refused"),
]
for path, opened in ((here, lambda writer: ImportHere(writer())), (apart, lambda writer: ImportApart(writer, rules))):
    for half in (exchanges[::2], exchanges[1::2]):
        # The second time it goes on with a cassette that has pseudonyms.
        one = opened(partial(CassetteWriter, path, rules, fixed=FIXED, largest_request=BIG - 1))
        for exchange in half:
            one.add(exchange, BIG + 1 if exchange.response is film else BIG - 1)
        one.close()
        assert one.stored == len(half), one.stored
"""


NUMBERED = ("request_headers", "request_trailers", "response_headers", "response_trailers")  # by fields
NUMBERED += ("request_body", "response_body", "path")


def test_two_processes_import_what_one_does(tmp_path: Path) -> None:
    here, apart = tmp_path / "here.cassette", tmp_path / "apart.cassette"
    done = subprocess.run([sys.executable, "-c", IMPORTS, here, apart], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".cassette"] == []
    alone, shared = content(here), content(apart)
    assert len(alone["exchanges"]) > ENOUGH
    for name in alone:
        assert shared[name] == alone[name], name


def content(path: Path) -> dict[str, Any]:
    """All but the numbers of bodies, fields and paths, which tell the order of writing."""
    cassette = Cassette(path)
    plain = [column for column in schema.exchanges.c if column.name not in NUMBERED]
    tables = {"exchanges": schema.exchanges.select().with_only_columns(*plain)}
    for table in (schema.messages, schema.closings, schema.pseudonyms, schema.users, schema.credentials):
        tables[table.name] = select(table)
    for table in (schema.resources, schema.tokens, schema.hosts, schema.meta, schema.mentions):
        tables[table.name] = select(table)
    tables["bodies"] = select(schema.bodies.c.sha256, schema.bodies.c.size)
    tables["paths"] = select(schema.paths.c.folded)
    try:
        found: dict[str, Any] = {
            name: sorted(map(tuple, cassette.query(query)), key=repr) for name, query in tables.items()
        }
        found["wires"] = [wire(exchange) for exchange in cassette.exchanges()]
        return found
    finally:
        cassette.close()


def wire(exchange: Exchange) -> tuple[object, ...]:
    request, response = exchange.request, exchange.response
    asked = (request.headers, request.trailers, read(request.body), request.not_kept)
    return asked, response and (response.headers, response.trailers, read(response.body))
