"""A web server for the pages of `tests/clients`, on an origin of its own."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CLIENTS = Path(__file__).parents[1] / "clients"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A browser that hangs up is none."""


@contextlib.contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Gives the origin, for example `http://127.0.0.1:1234`."""
    server = _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(CLIENTS)))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
