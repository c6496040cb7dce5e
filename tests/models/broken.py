"""Copies of a model folder with one thing wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.models.files import write_json


def changed_copy(folder: Path, target: Path) -> Path:
    """Return a copy of a model folder to break something in."""
    shutil.copytree(folder, target)
    return target


def with_truncated_weights(folder: Path, target: Path) -> Path:
    """Return a copy whose weights end in the middle, as a download that was cut off leaves them."""
    copy = changed_copy(folder, target)
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    return copy


def with_config(folder: Path, target: Path, **values: Any) -> Path:
    """Return a copy whose config.json says something else."""
    copy = changed_copy(folder, target)
    config = json.loads((copy / "config.json").read_text())
    write_json(copy / "config.json", {**config, **values})
    return copy
