"""What the server says of itself, on a port of its own: whether to send it requests, and whether it answers any.

Triton's own readiness can't say either: it comes back before the golden samples were replayed, and it stays until the
moment at which Triton unloads its models.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TRITON_SECONDS = 3.0

Check = Callable[[], bool]


def ready_path(revision: str) -> str:
    """Return what a proxy asks: 200 where new requests are welcome, that is proven and not asked to stop.

    It names the revision: an address that a name still leads to may be another pod's by now, of another model even.
    """
    return f"/ready/{revision}"


def serving_path(revision: str) -> str:
    """Return what the kubelet asks, and Services follow: 200 where requests are answered, while it drains too."""
    return f"/serving/{revision}"


def serve_health(address: str, port: int, checks: Mapping[str, Check]) -> None:
    """Answer GET on each path of ``checks`` with 200 or 503, in threads of their own.

    Raises OSError if the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            check = checks.get(self.path)
            if check is None:
                self._say(HTTPStatus.NOT_FOUND)
            else:
                self._say(HTTPStatus.OK if check() else HTTPStatus.SERVICE_UNAVAILABLE)

        def _say(self, status: HTTPStatus) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: this is asked every second or two."""

    server = ThreadingHTTPServer((address, port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()


def triton_is_ready(address: str, port: int) -> bool:
    """Return whether Triton says that its models are ready."""
    connection = http.client.HTTPConnection(address, port, timeout=TRITON_SECONDS)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
