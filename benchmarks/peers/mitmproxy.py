"""mitmproxy without peertape: its own server replay, a bare hook, a bare reverse proxy, and one that saves flows."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.peer import Launch, Peer, end_to_end
from benchmarks.workload import Workload

PROGRAM = Path(sys.executable).with_name("mitmdump")
PEERTAPE = Path(sys.executable).with_name("peertape")
HOOK = Path(__file__).with_name("mitmproxy_hook.py")
QUIET = ("--quiet", "--set", "flow_detail=0")
NEVER_OUTSIDE = ("--set", "connection_strategy=lazy")


@dataclass(frozen=True, slots=True)
class _Mitmproxy(Peer):
    def version(self) -> str:
        return version("mitmproxy")

    def _launch(self, folder: Path, port: int, upstream: str, options: Sequence[str | Path]) -> Launch:
        command: list[str | Path] = [PROGRAM, *QUIET, "--mode", f"reverse:{upstream}", "--listen-host", "127.0.0.1"]
        return Launch([*command, "--listen-port", str(port), "--set", f"confdir={folder}", *options])


@dataclass(frozen=True, slots=True)
class ServerReplay(_Mitmproxy):
    """Plays the flow file that `peertape cassette export` makes of the cassette."""

    @property
    def name(self) -> str:
        return "mitmproxy-replay"

    @property
    def title(self) -> str:
        return "mitmproxy, server replay"

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        flows = _exported(workload.cassette)
        fastest = ("--set", "server_replay_refresh=false")
        options = ("--server-replay", flows, "--set", "server_replay_reuse=true", "--set", "server_replay_extra=404")
        return self._launch(folder, port, workload.origin, [*options, *fastest, *NEVER_OUTSIDE])

    def stored(self, workload: Workload, _folder: Path) -> int:
        return _exported(workload.cassette).stat().st_size


def _exported(cassette: Path) -> Path:
    """The flow file that is made of a cassette, once, and kept beside it."""
    flows = cassette.with_name("recorded.mitm")
    if not flows.exists():
        command: list[str | Path] = [PEERTAPE, "cassette", "export", cassette, flows, "--format", "mitmproxy"]
        subprocess.run(command, check=True, capture_output=True)
    return flows


@dataclass(frozen=True, slots=True)
class Hook(_Mitmproxy):
    """The limit of the proxy lane: an addon that looks each answer up in a dictionary."""

    @property
    def name(self) -> str:
        return "mitmproxy-hook"

    @property
    def title(self) -> str:
        return "mitmproxy, a bare hook"

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        answers = {ask.target: (end_to_end(ask.response.headers).to_bytes(), ask.body) for ask in workload.asks}
        path = folder / "answers.pickle"
        path.write_bytes(pickle.dumps(answers))
        options: list[str | Path] = ["--scripts", HOOK, "--set", f"answers={path}", *NEVER_OUTSIDE]
        return self._launch(folder, port, workload.origin, options)


@dataclass(frozen=True, slots=True)
class Reverse(_Mitmproxy):
    """In front of the upstream; `saving` the flows, as `mitmdump -w` does, or not."""

    saving: bool = False

    @property
    def name(self) -> str:
        return "mitmproxy-saving" if self.saving else "mitmproxy-reverse"

    @property
    def title(self) -> str:
        return "mitmproxy, saving flows (-w)" if self.saving else "mitmproxy, a bare reverse proxy"

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        options: list[str | Path] = ["--save-stream-file", folder / "flows.mitm"] if self.saving else []
        return self._launch(folder, port, workload.upstream, options)
