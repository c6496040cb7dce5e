"""Files of this machine's onto the scratch volume."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.space import check_room


def copy_files(files: Mapping[str, Path], destination: Path, advance: Advance) -> None:
    """Copy files to the names that they have below ``destination``. Raises BuildFailed where they don't fit."""
    sizes = {name: path.stat().st_size for name, path in files.items()}
    check_room(destination, sum(sizes.values()))
    copied = 0
    for name, path in files.items():
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        copied += sizes[name]
        advance(copied / max(sum(sizes.values()), 1))
