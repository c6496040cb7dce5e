"""What tests ask a served model, and the answers they hold replies against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2

Tokens = dict[str, NDArray[np.int64]]
"""``input_ids`` and ``attention_mask``, each int64 (1, sequence)."""

HEADER_LENGTH = "Inference-Header-Content-Length"

EXACT = 1e-3
"""Relative distance from PyTorch that float32 stays within, and 8-bit weights do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """Right answers, float32 (questions, width), and how far a reply may be from its own."""

    answers: NDArray[np.float32]
    tolerance: float

    def distance(self, question: int, answer: NDArray[np.float32]) -> float:
        """Return ``|answer - right| / |right|``; infinity for another shape or anything that is no number."""
        right = self.answers[question]
        if answer.shape != right.shape or not np.isfinite(answer).all():
            return float("inf")
        return float(np.linalg.norm(answer - right) / np.linalg.norm(right))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One question, encoded once for both protocols, so that sending it costs little."""

    http_body: bytes
    http_header_length: int
    grpc_request: service_pb2.ModelInferRequest


def encode(model: str, output: str, tokens: Tokens) -> Wire:
    """Return the question as ``tritonclient`` writes it on the wire."""
    http_inputs = [triton_http.InferInput(name, list(ids.shape), "INT64") for name, ids in tokens.items()]
    for tensor, ids in zip(http_inputs, tokens.values(), strict=True):
        tensor.set_data_from_numpy(ids, binary_data=True)
    outputs = [triton_http.InferRequestedOutput(output, binary_data=True)]
    body, length = triton_http.InferenceServerClient.generate_request_body(http_inputs, outputs=outputs)
    request = service_pb2.ModelInferRequest(model_name=model)
    for name, ids in tokens.items():
        request.inputs.add(name=name, datatype="INT64", shape=ids.shape)
        request.raw_input_contents.append(ids.tobytes())
    return Wire(http_body=body, http_header_length=length, grpc_request=request)


def http_answer(body: bytes, header_length: str | None, output: str) -> NDArray[np.float32] | None:
    """Return the output's first row from an HTTP reply, or None if the reply holds none."""
    length = int(header_length) if header_length else None
    result = triton_http.InferenceServerClient.parse_response_body(body, header_length=length)
    rows: NDArray[np.float32] | None = result.as_numpy(output)
    return None if rows is None or not len(rows) else rows[0]


def grpc_answer(reply: service_pb2.ModelInferResponse, output: str) -> NDArray[np.float32] | None:
    """Return the output's first row from a gRPC reply, or None if the reply holds none."""
    rows: NDArray[np.float32] | None = triton_grpc.InferResult(reply).as_numpy(output)
    return None if rows is None or not len(rows) else rows[0]
