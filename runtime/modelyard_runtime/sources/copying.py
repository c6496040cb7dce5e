"""Files of this machine's onto the scratch volume."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.space import check_room


def keep_only(names: Collection[str], destination: Path) -> None:
    """Remove files that an earlier try left and that are no longer the source's: loaded, they would be of its model."""
    for path in sorted(destination.rglob("*")):
        if path.is_file() and path.relative_to(destination).as_posix() not in names:
            path.unlink()


def copy_files(files: Mapping[str, Path], destination: Path, advance: Advance) -> None:
    """Have these files, and no others, below ``destination``. Raises BuildFailed where they don't fit."""
    keep_only(files.keys(), destination)
    sizes = {name: path.stat().st_size for name, path in files.items()}
    check_room(destination, sum(sizes.values()))
    copied = 0
    for name, path in files.items():
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        copied += sizes[name]
        advance(copied / max(sum(sizes.values()), 1))
