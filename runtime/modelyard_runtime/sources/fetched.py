"""A source's files on the scratch disk: what is needed of them, whole, and their digest."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import assert_never

from modelyard.contract import BuildReason, HuggingFaceFiles, OciFiles, SourceFiles, VolumeFiles
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.folder import read_json
from modelyard_runtime.scratch import SourceRecord
from modelyard_runtime.sources.files import Advance, Files
from modelyard_runtime.sources.oci import artifact_files
from modelyard_runtime.sources.selection import needed
from modelyard_runtime.sources.volume import volume_files

MODULES = "modules.json"
MIB = 1 << 20


def files_of(source: SourceFiles, folder: Path) -> AbstractContextManager[Files]:
    """Return the files of a source. folder: where they will go."""
    match source:
        case HuggingFaceFiles():
            from modelyard_runtime.sources.huggingface import hub_files

            return hub_files(source, folder)
        case OciFiles():
            return artifact_files(source)
        case VolumeFiles():
            return volume_files(source)
        case _:
            assert_never(source)


def fetch_files(source: SourceFiles, folder: Path, advance: Callable[[float], None]) -> None:
    """Write what a build needs of a source into ``folder``. Raises BuildFailed. advance: told the share that is there.

    A sentence-transformer's ``modules.json`` comes first: it names the folders that further files are in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with files_of(source, folder) as files:
        sizes = files.sizes
        first = [MODULES] if MODULES in sizes else []
        for path in first:
            files.get(path, folder, _ignore)
        paths = [path for path in needed(sizes, _module_folders(folder)) if path not in first]
        total = sum(sizes[path] for path in paths)
        _check_room(folder, total)
        share = _share(total, advance)
        for path in paths:
            files.get(path, folder, share)


def record_of(source: SourceFiles, folder: Path) -> SourceRecord:
    """Return what was fetched, with the digest over its sorted ``path size sha256`` lines."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    lines = sorted(f"{p.relative_to(folder).as_posix()} {p.stat().st_size} {_sha256(p)}\n" for p in paths)
    return SourceRecord(
        kind=source.kind,
        ref=_ref(source),
        digest=f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}",
        files=len(paths),
        size=sum(path.stat().st_size for path in paths),
    )


def _module_folders(folder: Path) -> list[str]:
    """Return the folders that modules.json names, in whatever state that file is: it is judged later."""
    modules = (read_json(folder, MODULES) or {}).get("")
    listed = modules if isinstance(modules, list) else []
    return [str(module["path"]) for module in listed if isinstance(module, dict) and module.get("path")]


def _check_room(folder: Path, size: int) -> None:
    """Raise BuildFailed (DiskFull) if so many bytes won't fit: known before the first of them comes."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise BuildFailed(
            BuildReason.DISK_FULL,
            f"the model's files have {size // MIB} MiB but the scratch disk has {free // MIB} MiB free; "
            "raise spec.build.scratch to some four times the model's size",
        )


def _share(total: int, advance: Callable[[float], None]) -> Advance:
    """Return what counts bytes and tells their share of ``total``."""
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        advance(done / max(total, 1))

    return count


def _ignore(_: int) -> None:
    return


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ref(source: SourceFiles) -> str:
    """Return the source in one word, as the report names it."""
    match source:
        case HuggingFaceFiles():
            return f"{source.repo}@{source.revision}"
        case OciFiles():
            return source.ref
        case VolumeFiles():
            return f"{source.path or '/'}@{source.revision}" if source.revision else source.path or "/"
        case _:
            assert_never(source)
