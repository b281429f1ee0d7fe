"""nginx: how it is started, and one that serves a folder of films with its default settings and sendfile."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.process import wait_for
from support.wire import connect

from benchmarks import cache
from peertape.proxy.lanes.lane import free_port

SETTINGS = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {special}
}}
"""
FILMS = """
    default_type video/mp4;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{secure} ssl http2;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        root {folder}/files;
    }}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    plain: str
    secure: str


@contextmanager
def serving(folder: Path) -> Iterator[Nginx]:
    """Serves `folder`/files; a certificate is made up."""
    certificate(folder)
    plain, secure = free_port(0), free_port(0)
    arguments = command(folder, FILMS.format(folder=folder, plain=plain, secure=secure))
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(plain) or process.poll() is not None)
        if process.poll() is not None:
            raise SystemExit(f"nginx did not start:\n{(folder / 'nginx.log').read_text()}")
        yield Nginx(f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}")
    finally:
        process.terminate()
        process.wait()


def command(folder: Path, special: str, *, install: bool = True) -> list[str | Path]:
    """Starts it in `folder`, with settings that it writes there; `special`: those within `http`."""
    folder.chmod(0o755)  # its worker may be another user
    settings = folder / "nginx.conf"
    settings.write_text(SETTINGS.format(folder=folder, special=special), "utf-8")
    return [cache.program("nginx", "nginx-light", install=install), "-c", settings, "-p", folder]


def certificate(folder: Path) -> None:
    making = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out certificate.pem"
    subprocess.run(making.split(), cwd=folder, check=True, capture_output=True)


def listens(port: int) -> bool:
    try:
        connect("127.0.0.1", port).close()
    except OSError:
        return False
    return True
