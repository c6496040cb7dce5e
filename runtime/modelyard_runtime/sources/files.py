"""What every source is to ``fetch``: the sizes of its files, and a way to get one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

Advance: TypeAlias = Callable[[int], None]
"""Told of every so many bytes that came."""


class Files(Protocol):
    """The files of a source, pinned: asking again gives the same bytes. Whatever fails is raised as BuildFailed."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return every file's path, relative, and its size in bytes (of its layer, for an artifact)."""
        ...

    def get(self, path: str, folder: Path, advance: Advance) -> None:
        """Write one file below ``folder``, at the same path."""
        ...
