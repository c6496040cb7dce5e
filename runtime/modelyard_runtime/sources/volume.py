"""A model on a volume that is mounted read-only."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelyard.contract import BuildReason, VolumeFiles
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.space import check_room
from modelyard_runtime.sources.wanted import wanted

MOUNT = Path("/source")


def copy_from_volume(source: VolumeFiles, destination: Path, advance: Advance, mount: Path = MOUNT) -> str:
    """Copy the files that a build uses, and return where they were. Raises BuildFailed (SourceNotFound, DiskFull)."""
    folder = (mount / source.path).resolve()
    if not folder.is_relative_to(mount.resolve()):
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"pvc.path {source.path!r} leads out of the volume: remove the `..`")
    if not folder.is_dir():
        there = ", ".join(sorted(path.name for path in mount.iterdir())[:10]) or "nothing"
        raise BuildFailed(
            BuildReason.SOURCE_NOT_FOUND, f"the volume has no folder {source.path!r}: it holds {there}; set pvc.path"
        )
    names = wanted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    sizes = {name: (folder / name).stat().st_size for name in names}
    check_room(destination, sum(sizes.values()))
    copied = 0
    for name in names:
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target)
        copied += sizes[name]
        advance(copied / sum(sizes.values()))
    return f"pvc:{source.path or '/'}"
