"""Triton over HTTP with the standard library: what the build asks the sidecar, and the supervisor its own server.

Tensors travel in Triton's binary format, as clients send them. One connection is kept alive, so an instance is for
one thread.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

POLL_SECONDS = 0.05
HEADER = "Inference-Header-Content-Length"
_DATA_TYPES = {"INT64": np.int64, "FP32": np.float32}
_NAMES = {np.dtype(t): name for name, t in _DATA_TYPES.items()}


class ServerRefused(RuntimeError):
    """Triton answered with an error: the request or the repository is not to its liking. Says what Triton said."""


class ServerLost(ConnectionError):
    """Triton does not answer: not there yet, gone, or too slow."""


class TritonServer:
    """A Triton at an address. timeout in seconds, for each answer."""

    def __init__(self, address: str = "127.0.0.1", port: int = 8000, *, timeout: float = 300.0) -> None:
        """Connect at the first request."""
        self._connection = http.client.HTTPConnection(address, port, timeout=timeout)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def wait_live(self, seconds: float) -> None:
        """Return as soon as the server answers. Raises ServerLost after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not self.live():
            if time.monotonic() > deadline:
                message = f"Triton did not answer on port {self._connection.port} within {seconds:g} s"
                raise ServerLost(message)
            time.sleep(POLL_SECONDS)

    def live(self) -> bool:
        """Return whether the server answers at all; the repository may still be loading."""
        try:
            self._ask("GET", "/v2/health/live")
        except (ServerLost, ServerRefused):
            return False
        return True

    def load(self, model: str) -> None:
        """Load a model of the repository (explicit mode). Raises ServerRefused with Triton's reason."""
        self._ask("POST", f"/v2/repository/models/{model}/load", b"{}")

    def unload(self, model: str) -> None:
        """Unload a model."""
        self._ask("POST", f"/v2/repository/models/{model}/unload", b"{}")

    def ready(self, model: str) -> bool:
        """Return whether a model is loaded and answers."""
        try:
            self._ask("GET", f"/v2/models/{model}/ready")
        except ServerRefused:
            return False
        return True

    def models(self) -> list[dict[str, str]]:
        """Return the repository's index: ``name``, ``version``, ``state`` (READY, UNAVAILABLE), ``reason``."""
        index: list[dict[str, str]] = json.loads(self._ask("POST", "/v2/repository/index", b"{}")[0])
        return index

    def metadata(self) -> dict[str, Any]:
        """Return the server's name, version and extensions."""
        found: dict[str, Any] = json.loads(self._ask("GET", "/v2")[0])
        return found

    def infer(self, model: str, inputs: Mapping[str, npt.NDArray[Any]], output: str) -> npt.NDArray[np.float32]:
        """Return the tensor ``output`` for ``inputs`` (int64 or float32).

        Raises ServerRefused for an error and for an answer without its tensor: a stub with an unfit numpy sends 200
        and an empty body.
        """
        body, headers = _request(inputs, output)
        answer, length = self._ask("POST", f"/v2/models/{model}/infer", body, headers)
        return _tensor(answer, length, output)

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, int | None]:
        """Return the answer's body and the length of its JSON part. Tries a stale connection once more."""
        fresh = self._connection.sock is None
        try:
            return self._exchange(method, path, body, headers or {})
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self.close()
            if fresh:
                raise ServerLost(str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ServerLost(str(error)) from error
        return self._ask(method, path, body, headers)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[bytes, int | None]:
        connection = self._connection
        if connection.sock is None:
            connection.connect()
            _send_at_once(connection.sock)
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.HTTPStatus.OK:
            raise ServerRefused(_reason(answer) or f"{method} {path} answered {response.status}")
        length = response.getheader(HEADER)
        return answer, None if length is None else int(length)


def _reason(answer: bytes) -> str:
    """Return what Triton says in an error's body, or nothing if it says nothing."""
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace").strip()


def _send_at_once(connected: socket.socket | None) -> None:
    """Header and body are sent apart: without this the second waits for the first's acknowledgement."""
    if connected is not None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _request(inputs: Mapping[str, npt.NDArray[Any]], output: str) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a binary request."""
    described = [
        {
            "name": name,
            "shape": list(value.shape),
            "datatype": _NAMES[value.dtype],
            "parameters": {"binary_data_size": value.nbytes},
        }
        for name, value in inputs.items()
    ]
    wanted = [{"name": output, "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": described, "outputs": wanted}).encode()
    body = head + b"".join(np.ascontiguousarray(value).tobytes() for value in inputs.values())
    return body, {HEADER: str(len(head)), "Content-Type": "application/octet-stream"}


def _tensor(answer: bytes, length: int | None, name: str) -> npt.NDArray[np.float32]:
    """Return the only output of a binary answer; a copy, in memory of its own."""
    described = json.loads(answer[:length] or b"{}").get("outputs", [])
    found = next((o for o in described if o["name"] == name), None)
    if found is None or length is None:
        message = f"Triton answered 200 without the tensor {name!r}: is numpy in its stub's environment older than 2?"
        raise ServerRefused(message)
    values = np.frombuffer(answer, dtype=_DATA_TYPES[found["datatype"]], offset=length)
    return values.reshape(found["shape"]).astype(np.float32)
