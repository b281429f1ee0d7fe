"""What sessions remember comes back as it was, and nothing else comes."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from peertape.cassettes import demo
from peertape.cassettes.store import Cassette
from peertape.config import limits as rates
from peertape.config.faults import Latency, fault
from peertape.proxy.engine.choice import Writes
from peertape.proxy.engine.faults.active import Active
from peertape.proxy.engine.faults.plan import Plan
from peertape.proxy.engine.limits.state import LimitsState
from peertape.proxy.engine.state.interface import StateLostError
from peertape.proxy.engine.state.snapshots import Snapshots
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.deeds import Deed, Deeds
from peertape.proxy.engine.twin.facts import Told
from peertape.proxy.engine.twin.given import Unread
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.values import ABSENT
from peertape.proxy.engine.uploads.recorded import RecordedUpload
from peertape.proxy.engine.uploads.running import Running, Uploads
from peertape.proxy.engine.uploads.upload import Upload


@pytest.fixture(scope="module")
def cassette() -> Iterator[Cassette]:
    with closing(Cassette(demo.path(), "demo")) as cassette:
        yield cassette


@pytest.fixture
def snapshots(cassette: Cassette) -> Snapshots:
    return Snapshots([cassette], lambda: book("6.3"))


def test_values(snapshots: Snapshots) -> None:
    writes = Writes({("tape", "user:ä"): 7})
    assert snapshots.read(snapshots.write(writes)) == writes


def test_limits_that_were_chosen(snapshots: Snapshots) -> None:
    for chosen in (rates.off(), rates.load(), rates.custom({"api": {"max": 7}}, "mine", "6.3"), None):
        assert snapshots.read(snapshots.write(LimitsState(chosen))) == LimitsState(chosen)


def test_faults_with_what_they_counted(snapshots: Snapshots) -> None:
    faults = [fault("503*2@GET /api/v1/**"), fault("reset=0.05"), fault("403/video_requires_password")]
    active = Active(Plan(tuple(faults), Latency(), 7), "default")
    active.strike(0)
    again = snapshots.read(snapshots.write(active))
    assert (again.plan, again.struck) == (active.plan, active.struck)


def test_deeds(snapshots: Snapshots) -> None:
    names = {"body": Told({"a": [ABSENT, b"x"]}), "files": Unread()}
    deeds = [Deed(contract, names, "alice") for contract in book("6.3").contracts]
    kind, again = snapshots.read(snapshots.write((Deeds, deeds)))
    assert kind is Deeds
    assert [deed.contract for deed in again] == list(book("6.3").contracts)
    told = again[0].names
    assert told["body"]["a"][0] is ABSENT
    with pytest.raises(Undecided):
        told["body"].tell("b")
    with pytest.raises(Undecided):
        told["files"].get("any")


def test_uploads_go_by_the_name_of_their_cassette(snapshots: Snapshots, cassette: Cassette) -> None:
    uploads = Uploads()
    uploads.keep(Running("id", Upload(9), RecordedUpload(cassette, "/upload", "id", 5), 5))
    again = snapshots.read(snapshots.write(uploads))
    assert again == uploads
    assert again.running["id"].recorded.cassette is cassette
    with pytest.raises(StateLostError, match="a cassette 'demo', which was not opened here"):
        Snapshots([], lambda: book("6.3")).read(snapshots.write(uploads))


class Evil:
    def __reduce__(self) -> object:
        return os.system, ("touch evil",)


class EvilState:
    def __reduce__(self) -> object:
        return Path, ("/etc/passwd",)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Evil()),
        pickle.dumps(EvilState()),
        pickle.dumps(pickle.loads),
        b"cpeertape.config.settings\nload\n(dtR.",
        b"cpeertape.proxy.engine.journal\nAny\n.",
        b"\x80\x04\x8c\x1dpeertape.proxy.engine.journal\x8c\x0eCounter.update\x93.",
        b"no snapshot",
        b"",
    ],
)
def test_nothing_is_called_that_others_wrote(
    snapshots: Snapshots, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StateLostError, match="cannot be read"):
        snapshots.read(data)
    assert not list(tmp_path.iterdir())
