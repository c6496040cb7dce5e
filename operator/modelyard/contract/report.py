"""What a build measured: the report that is attached to the artifact in the registry."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from modelyard.contract.choices import INPUTS, Engine, Precision, Task
from modelyard.contract.wire import Wire


class ArtifactRef(Wire):
    """A pushed artifact. ``size`` is the sum of its layers in bytes; ``report`` the referrer's digest."""

    repository: str
    digest: str
    size: int
    report: str | None = None


class Figure(Wire):
    """A measured value with its one-sided 95% bounds (``lower`` and ``upper``) over ``samples`` texts or pairs."""

    value: float
    lower: float
    upper: float
    samples: int


class Outcome(StrEnum):
    """Three outcomes of a check; ``INCONCLUSIVE`` is never a pass."""

    PASS = "Pass"  # noqa: S105 - an outcome, no secret
    MISS = "Miss"
    INCONCLUSIVE = "Inconclusive"


class Parity(Wire):
    """Agreement with the original, asked of the serving image.

    ``figures`` holds what gates can be held against, by the gate's field name (camelCase), and two that have no field:
    ``nonFinite``, the answers that hold a NaN or an infinity, and ``greatestError``, the greatest distance of an answer
    to the original's over the root mean square length of the original's. ``reported`` is only told (mean, norm error,
    confusion, extremes). ``dataset`` says whose texts they were, ``caveat`` what all this does not prove, in a sentence
    for people; it is empty where it proves the quality.
    """

    dataset: str
    caveat: str = ""
    figures: dict[str, Figure]
    reported: dict[str, float] = Field(default_factory=dict)


class Latency(Wire):
    """Milliseconds of one call at one batch size, original and engine in alternation, and their paired ratio."""

    batch: int
    sequence: int
    original_p50_ms: float
    original_p95_ms: float
    p50_ms: float
    p95_ms: float
    speedup: Figure


class Speed(Wire):
    """Speed through the server against torch eager FP32 in the same pod on the same number of threads."""

    threads: int
    baseline: str
    latencies: tuple[Latency, ...]


class CandidateOutcome(StrEnum):
    """What became of a candidate."""

    CHOSEN = "Chosen"
    SLOWER = "Slower"
    MISSED_PARITY = "MissedParity"
    FAILED = "Failed"


class CandidateReport(Wire):
    """One candidate: its numbers, or why it has none. ``size`` in bytes, ``seconds`` to build it."""

    engine: Engine
    precision: Precision
    outcome: CandidateOutcome
    message: str = ""
    parity: Parity | None = None
    speed: Speed | None = None
    size: int | None = None
    seconds: float | None = None


class SourceReport(Wire):
    """What was read: ``digest`` is the sha256 over the sorted ``path size sha256`` lines of the files used.

    ``trained`` is False for weights as they are initialised, whose parity proves an export and never a quality.
    ``inputs`` are the tensors that the model reads.
    """

    kind: str
    ref: str
    digest: str
    architecture: str
    model_type: str
    task: Task
    pooling: str | None = None
    inputs: tuple[str, ...] = INPUTS
    parameters: int
    trained: bool = True


class Machine(Wire):
    """Where it was measured. memory in bytes; instruction_sets as the kernel names them."""

    cpu: str
    cores: int
    memory: int
    instruction_sets: tuple[str, ...]


class Stage(Wire):
    """How long one stage took."""

    name: str
    seconds: float


class BuildReport(Wire):
    """Everything that a build measured; attached to the artifact, never part of its digest."""

    schema_version: Literal[1] = 1
    name: str
    key: str
    source: SourceReport
    engine: Engine
    precision: Precision
    artifact: ArtifactRef | None = None
    candidates: tuple[CandidateReport, ...]
    machine: Machine
    versions: dict[str, str]
    images: dict[str, str]
    stages: tuple[Stage, ...]
    started_at: datetime
    finished_at: datetime
    peak_memory_bytes: int | None = None

    @property
    def chosen(self) -> CandidateReport:
        """Return the candidate that became the artifact."""
        return next(c for c in self.candidates if c.outcome is CandidateOutcome.CHOSEN)
