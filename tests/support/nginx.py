"""A real nginx in front of several processes, configured as docs/scaling.md says."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from support.clients import lacking
from support.process import wait_for
from support.wire import connect

from peertape.proxy.lanes.lane import free_port

DOCS = Path(__file__).parents[2] / "docs" / "scaling.md"
OWN = "listen 127.0.0.1:8990;"
SHOWN = ("127.0.0.1:8991", "127.0.0.1:8992")  # processes in the docs
MAIN = """daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
access_log off;
client_body_temp_path {folder}/body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
{shown}
}}
"""


class Nginx:
    """Before two processes, HOST:PORT each; it takes any free port. Skips the test where there is none."""

    def __init__(self, processes: Sequence[str]) -> None:
        found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if found is None:
            lacking("nginx is not installed; `apt-get install nginx-light` brings it")
        self._program = str(found)
        self._processes = processes
        self.host, self.port = "127.0.0.1", free_port(0)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="nginx-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        folder.chmod(0o755)  # its workers may be another user
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, shown=self._shown()))
        self._nginx = subprocess.Popen(
            [self._program, "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "errors"]
        )
        wait_for(lambda: self._nginx.poll() is not None or self._listens())
        assert self._nginx.poll() is None, (folder / "errors").read_text()
        return self

    def __exit__(self, *_: object) -> None:
        self._nginx.terminate()
        self._nginx.wait()
        self._folder.cleanup()

    def _shown(self) -> str:
        """The configuration of the docs, with our addresses."""
        (shown,) = re.findall(r"^```nginx\n(.*?)^```$", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        ours = {OWN: f"listen {self.host}:{self.port};", **dict(zip(SHOWN, self._processes, strict=True))}
        for theirs, our in ours.items():
            assert theirs in shown
            shown = shown.replace(theirs, our)
        return str(shown)

    def _listens(self) -> bool:
        try:
            connect(self.host, self.port).close()
        except OSError:
            return False
        return True
