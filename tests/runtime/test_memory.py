"""The estimate of a conversion's memory: told from headers, before a weight is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard_runtime.memory import conversion_memory, parameters_of
from tests.runtime.folders import HIDDEN, VOCABULARY


def test_parameters_are_counted_from_the_header(model: Path) -> None:
    assert parameters_of(model) == VOCABULARY * HIDDEN


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_a_large_model_is_judged_without_reading_its_weights(tmp_path: Path, dtype: str) -> None:
    """Half precision is loaded as fp32, so that the numbers count and not the file's bytes."""
    width = {"F32": 4, "F16": 2, "BF16": 2}[dtype]
    rows, columns = 250_000, 1024
    size = rows * columns * width
    header = json.dumps({"w": {"dtype": dtype, "shape": [rows, columns], "data_offsets": [0, size]}}).encode()
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)  # a hole: the bytes are nowhere
    assert parameters_of(tmp_path) == rows * columns
    fp32 = 4 * rows * columns
    assert conversion_memory(parameters_of(tmp_path)) > 3 * fp32


def test_a_pickled_file_is_judged_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "pytorch_model.bin").open("wb") as file:
        file.truncate(4_000_000)
    assert parameters_of(tmp_path) == 1_000_000
