"""What the tests of all object stores share."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from modelyard.contract.steps import BuildReason, ExitCode
from tests.runtime.folders import USED
from tests.runtime.steps import Ended

MIB = 1 << 20
WEIGHTS_BYTES = 30 * MIB
BLOCK_BYTES = 8 * MIB
"""What may come twice when a connection is cut."""


def used(folder: Path) -> dict[str, bytes]:
    """Return what a build reads of a model's folder."""
    return {name: (folder / name).read_bytes() for name in USED}


def with_large_weights(model: Path, folder: Path) -> Path:
    """Return a copy of a model whose weights are read in several blocks."""
    copy = shutil.copytree(model, folder)
    weights = np.random.default_rng(0).integers(0, 256, WEIGHTS_BYTES, dtype=np.uint8)
    save_file({"weights": weights}, copy / "model.safetensors")
    return copy


def refused(ended: Ended, reason: BuildReason, *words: str) -> None:
    """Assert that a step ended so, with these words in its message."""
    assert ended.termination.reason is reason, ended.log
    assert ended.code == ExitCode.REFUSED
    assert [word for word in words if word not in ended.termination.message] == [], ended.termination.message
