"""What a build decided, as ``1/modelyard.json`` in the artifact: written by the build, read by the server."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from modelyard_runtime.backend.rows import IDS, MASK

DECISION_FILE = "modelyard.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How a version folder is run.

    ``output`` names the answer, float32 [batch, ``size``], of TokenClassification [batch, sequence, ``size``].
    ``inputs`` are the tensors that the graph reads, int64 [batch, sequence] each. Token ids are in 0 .. ``vocabulary``
    - 1, sequences have 1 .. ``max_sequence`` tokens. ``layers`` counts what the passes did (attentions fused, products
    quantized).
    """

    engine: str
    precision: str
    task: str
    output: str
    size: int
    max_sequence: int
    vocabulary: int
    pad_token: int
    inputs: tuple[str, ...] = (IDS, MASK)
    pooling: str | None = None
    normalized: bool = False
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    layers: tuple[tuple[str, int], ...] = ()

    def write(self, folder: Path) -> None:
        """Write it into a version folder, the same bytes for equal values."""
        fields = asdict(self) | {"layers": dict(self.layers)}
        (folder / DECISION_FILE).write_text(json.dumps(fields, sort_keys=True, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Decision:
        """Read the one of a version folder. Raises FileNotFoundError, or TypeError for another version's fields."""
        fields = json.loads((folder / DECISION_FILE).read_text())
        fields["layers"] = tuple(fields["layers"].items())
        lists = {name: tuple(fields[name]) for name in ("inputs", "labels") if name in fields}
        return cls(**(fields | lists))
