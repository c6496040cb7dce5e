"""What one step leaves for the next on the scratch volume, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modelyard.contract.report import Stage
from modelyard.contract.wire import Wire


class Fetched(Wire):
    """What ``fetch`` read: ``digest`` is over the sorted ``path size sha256`` lines of the files in ``source``."""

    kind: str
    ref: str
    digest: str
    size: int
    started_at: datetime
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """The volume that the steps of a build share."""

    root: Path

    @property
    def source(self) -> Path:
        """Return the folder of the model's files."""
        return self.root / "source"

    @property
    def fetched(self) -> Path:
        """Return the file that says what was fetched."""
        return self.root / "source.json"

    @property
    def adapters(self) -> Path:
        """Return the folder of the adapters' files, each below its name."""
        return self.root / "adapters"

    def adapter_fetched(self, name: str) -> Path:
        """Return the file that says what was fetched of an adapter."""
        return self.root / f"adapter-{name}.json"

    @property
    def serve(self) -> Path:
        """Return the sidecar's Triton repository."""
        return self.root / "serve"

    @property
    def out(self) -> Path:
        """Return the folder of the artifact's files."""
        return self.root / "out"

    @property
    def report(self) -> Path:
        """Return the report's file."""
        return self.root / "report.json"

    def read_adapter_fetched(self, name: str) -> Fetched:
        """Return what ``fetch`` left of an adapter."""
        return Fetched.model_validate_json(self.adapter_fetched(name).read_text())

    def read_fetched(self) -> Fetched:
        """Return what ``fetch`` left."""
        return Fetched.model_validate_json(self.fetched.read_text())
