"""nginx: the answers as static files, each by the target as it is spelled. The limit of what this machine can do."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cache, nginx
from benchmarks.peers.peer import Conditions, Launch, Peer
from benchmarks.workload import Workload

SETTINGS = """
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100000 inactive=10m;
    open_file_cache_valid 10m;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        location / {{ try_files $request_uri{suffix} =404; }}
    }}
"""
SUFFIX = ".answer"  # or a file would stand in the way of a folder of the same name


@dataclass(frozen=True, slots=True)
class Nginx(Peer):
    conditions: Conditions

    @property
    def name(self) -> str:
        return "nginx"

    @property
    def title(self) -> str:
        return "nginx, static files"

    def version(self) -> str:
        told = subprocess.run(
            [cache.program("nginx", "nginx-light"), "-v"], capture_output=True, text=True, check=True
        ).stderr
        found = re.search(r"nginx/([\d.]+)", told)
        return found[1] if found else told.strip()

    def launch(self, workload: Workload, folder: Path, port: int) -> Launch:
        for ask in workload.asks:
            path = folder / "files" / f"{ask.target[1:]}{SUFFIX}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(ask.body)
        special = SETTINGS.format(folder=folder, port=port, suffix=SUFFIX)
        return Launch(nginx.command(folder, special, install=self.conditions.install))
