"""A model in a folder of this machine, for a build without a cluster. Links are followed wherever they lead."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.copying import copy_files
from modelyard_runtime.sources.wanted import MODEL, Wanted


def copy_from_folder(url: str, destination: Path, advance: Advance, files: Wanted = MODEL) -> str:
    """Copy the files that a build uses out of ``file:///FOLDER/``, and return that. Raises BuildFailed with the fix."""
    folder = Path(unquote(urlsplit(url).path))
    if not folder.is_dir():
        raise BuildFailed(
            BuildReason.SOURCE_NOT_FOUND, f"there is no folder {folder} on this machine; correct its path"
        )
    names = files.of(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    copy_files({name: folder / name for name in names}, destination, advance)
    return url
