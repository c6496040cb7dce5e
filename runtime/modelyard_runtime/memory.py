"""How much memory a conversion takes, told before any weight is loaded: an OOM kill then says what to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelyard_runtime.models.adapters import Adapter
from modelyard_runtime.models.folder import tensors, weight_files

BASE_BYTES = 1_000_000_000
"""Interpreter, torch, transformers, the exporter and OpenVINO without any model (measured)."""

COPIES = 2.8
"""Copies of the fp32 weights at the worst moment: the original, the graph, a candidate and what it is written from."""

FP32_BYTES = 4


def parameters_of(folder: Path) -> int:
    """Return the number of weights, from the headers; for a pickled file from its size."""
    counted = sum(tensor.parameters for tensor in tensors(folder))
    return counted or sum(path.stat().st_size for path in weight_files(folder)) // FP32_BYTES


def parameters_to_load(folder: Path, adapters: Sequence[Adapter]) -> int:
    """Return how many weights are held at the worst moment: the model's, and those that are merged into it."""
    return parameters_of(folder) + sum(tensor.parameters for adapter in adapters for tensor in adapter.tensors)


def conversion_memory(parameters: int) -> int:
    """Return the bytes that ``convert`` needs for a model of so many weights: base + copies x 4 x parameters.

    all-MiniLM-L6-v2 (22.7 million): 1.25 GB estimated; 1.12 GB was the most held, child processes included.
    An encoder of BERT-large's size (335 million): 4.75 GB estimated, 3.75 GB held at bf16, 3.40 at 8-bit weights.
    """
    return int(BASE_BYTES + COPIES * FP32_BYTES * parameters)
