"""The disk that the steps of a build hand their work on by, and the record of what was fetched."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What ``fetch`` got: ``digest`` (``sha256:...``) over its ``files``; ``size`` is their sum in bytes."""

    kind: str
    ref: str
    digest: str
    files: int
    size: int

    def write(self, path: Path) -> None:
        """Write it for the step that comes next."""
        path.write_text(json.dumps(asdict(self), sort_keys=True) + "\n")

    @classmethod
    def read(cls, path: Path) -> SourceRecord:
        """Read what ``fetch`` wrote."""
        return cls(**json.loads(path.read_text()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Where each step leaves what the next one takes. ``root`` is there already."""

    root: Path

    @property
    def source(self) -> Path:
        """Return the folder of the model's files: ``fetch`` to ``convert``."""
        return self.root / "source"

    @property
    def record(self) -> Path:
        """Return the file that says what was fetched: ``fetch`` to ``convert``."""
        return self.root / "source.json"

    @property
    def serve(self) -> Path:
        """Return the repository of the server beside ``convert``."""
        return self.root / "serve"

    @property
    def out(self) -> Path:
        """Return the folder of the artifact's files: ``convert`` to ``publish``."""
        return self.root / "out"

    @property
    def report(self) -> Path:
        """Return the file of the report: ``convert`` to ``publish``."""
        return self.root / "report.json"
