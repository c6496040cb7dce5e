"""The digest of a model's files: what a build was made from, whatever place it came from."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """Return a file's sha256, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path) -> tuple[str, int]:
    """Return the sha256 over the sorted ``path size sha256`` lines of a folder's files, and their size in bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(folder).as_posix()} {path.stat().st_size} {file_digest(path)}\n" for path in files]
    size = sum(path.stat().st_size for path in files)
    return f"sha256:{hashlib.sha256(''.join(sorted(lines)).encode()).hexdigest()}", size
