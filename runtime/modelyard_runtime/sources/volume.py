"""A model on a volume that is mounted read-only. Links are followed, as a download cache has them, within it."""

from __future__ import annotations

import os
from pathlib import Path

from modelyard.contract.request import VolumeFiles
from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.copying import copy_files
from modelyard_runtime.sources.wanted import MODEL, Wanted

MOUNT = Path("/source")
OF_THE_FILE_SYSTEM = "lost+found"


def copy_from_volume(
    source: VolumeFiles, destination: Path, advance: Advance, files: Wanted = MODEL, *, mount: Path = MOUNT
) -> str:
    """Copy the files that a build uses, and return where they were. Raises BuildFailed with the fix."""
    try:
        return _copied(source, destination, advance, files, mount)
    except PermissionError as error:
        raise BuildFailed(
            BuildReason.SOURCE_UNAUTHORIZED,
            f"user {os.getuid()} may not read {error.filename}: make it readable for all, or set build.pod's fsGroup",
        ) from error


def _copied(source: VolumeFiles, destination: Path, advance: Advance, files: Wanted, mount: Path) -> str:
    folder = _within(mount, source.path)
    if not folder.is_dir():
        there = ", ".join(sorted(path.name for path in mount.iterdir() if path.name != OF_THE_FILE_SYSTEM)[:10])
        told = f"it holds {there}; set pvc.path" if there else "it is empty; upload the model there, then command retry"
        raise BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"the volume has no folder {source.path!r}: {told}")
    names = files.of(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    places = {name: _within(mount, (folder / name).relative_to(mount.resolve()).as_posix()) for name in names}
    copy_files(places, destination, advance)
    return f"pvc:{source.path or '/'}"


def _within(mount: Path, path: str) -> Path:
    """Return where a path of the volume leads. Raises BuildFailed if that is outside."""
    found = (mount / path).resolve()
    if not found.is_relative_to(mount.resolve()):
        raise BuildFailed(
            BuildReason.SOURCE_INVALID,
            f"{path!r} leads out of the volume: put the files themselves there, and no `..` into pvc.path",
        )
    return found
