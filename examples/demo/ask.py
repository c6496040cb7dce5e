"""Sixteen sentences to the served model, as a client would: ``tritonclient`` over HTTP and over gRPC."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray

from examples.demo.reference import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Embeddings (texts, hidden) in the order asked, and how long each call took in seconds."""

    embeddings: NDArray[np.float32]
    seconds: tuple[float, ...]


def ask_http(address: str, model: str, calls: Sequence[Tokens]) -> Answers:
    """Ask ``address`` (host:port) over HTTP, one call after the other."""
    with tritonclient.http.InferenceServerClient(address) as client:
        return _ask(client, tritonclient.http.InferInput, model, calls)


def ask_grpc(address: str, model: str, calls: Sequence[Tokens]) -> Answers:
    """Ask ``address`` (host:port) over gRPC, one call after the other."""
    with tritonclient.grpc.InferenceServerClient(address) as client:
        return _ask(client, tritonclient.grpc.InferInput, model, calls)


def _ask(client: Any, make: Callable[..., Any], model: str, calls: Sequence[Tokens]) -> Answers:  # noqa: ANN401 - two clients without a common type
    """Both clients have the same methods but no common type."""
    embeddings, seconds = [], []
    for tokens in calls:
        inputs = []
        for name, ids in tokens.items():
            tensor = make(name, list(ids.shape), "INT64")
            tensor.set_data_from_numpy(ids)
            inputs.append(tensor)
        started = time.perf_counter()
        result = client.infer(model, inputs)
        seconds.append(time.perf_counter() - started)
        embeddings.append(result.as_numpy("embedding"))
    return Answers(embeddings=np.concatenate(embeddings), seconds=tuple(seconds))
