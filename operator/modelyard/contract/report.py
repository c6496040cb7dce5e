"""What a build measured: the report that is attached to the artifact in the registry.

``docs/reference/report.schema.json`` is generated from these types. A field's description is the docstring below it.
The shape only grows within one ``schema_version``: a field that came later is absent from older reports, and a reader
passes over those that it doesn't know.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from modelyard.contract.choices import INPUTS, Engine, Objective, Precision, Task
from modelyard.contract.wire import Wire

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A whole number that every reader of JSON has room for."""


class Evidence(Wire):
    """Base of what a report is made of: unlike what is asked, it may hold fields of a newer version."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class ArtifactRef(Evidence):
    """A pushed artifact."""

    repository: str
    """REGISTRY/REPOSITORY that it was pushed to."""
    digest: str
    """sha256 of its manifest."""
    size: Count
    """Sum of its layers, bytes."""
    report: str | None = None
    """Digest of the referrer that holds the report. A report doesn't know its own."""


class Figure(Evidence):
    """A measured value with its one-sided 95% bounds."""

    value: float
    """The value."""
    lower: float
    """Lower bound."""
    upper: float
    """Upper bound."""
    samples: Count
    """Texts or pairs that it was measured on."""


class Outcome(StrEnum):
    """Three outcomes of a check; ``INCONCLUSIVE`` is never a pass."""

    PASS = "Pass"  # noqa: S105 - an outcome, no secret
    MISS = "Miss"
    INCONCLUSIVE = "Inconclusive"


class Sense(StrEnum):
    """Whether a figure must reach its gate or stay below it."""

    AT_LEAST = ">="
    AT_MOST = "<="


class Quantile(Evidence):
    """One point of a distribution: that of an answer that came, never one between two."""

    share: float
    """Share of the answers that are no farther, 0 to 1."""
    distance: float
    """How far that answer is from the original's."""


class Distribution(Evidence):
    """How far the answers lie from the original's, one by one: an answer a text, a token or a pair."""

    measure: str
    """What the distance is, in words: 0 for the same answer."""
    samples: Count
    """Answers."""
    quantiles: tuple[Quantile, ...]
    """From the nearest answer (share 0) to the farthest (share 1)."""


class Parity(Evidence):
    """Agreement with the original, asked of the serving image."""

    dataset: str
    """Whose texts they were."""
    caveat: str = ""
    """What all this does not prove, in a sentence for people; empty where it proves the quality."""
    figures: dict[str, Figure]
    """What gates can be held against, by the gate's field name, and two that have no field: ``nonFinite``, the answers
    that hold a NaN or an infinity, and ``greatestError``, the greatest distance of an answer to the original's over the
    root mean square length of the original's."""
    reported: dict[str, float] = Field(default_factory=dict)
    """What is only told: mean, norm error, confusion, extremes."""
    distribution: Distribution | None = None
    """How far the answers to the same texts lie from the original's."""


class Latency(Evidence):
    """One call at one batch size, original and engine in alternation."""

    batch: Count
    """Texts in a call."""
    sequence: Count
    """Tokens in a text."""
    original_p50_ms: float
    """Median of the original, milliseconds."""
    original_p95_ms: float
    """95th percentile of the original, milliseconds."""
    p50_ms: float
    """Median, milliseconds."""
    p95_ms: float
    """95th percentile, milliseconds."""
    speedup: Figure
    """Median of the paired ratios: how many times faster than the original."""


class Speed(Evidence):
    """Speed through the server against the original in the same pod on the same number of threads."""

    threads: Count
    """Threads of each."""
    baseline: str
    """What the original ran on."""
    latencies: tuple[Latency, ...]
    """By batch size; of a candidate that was surely slower, one alone."""


class CandidateOutcome(StrEnum):
    """What became of a candidate."""

    CHOSEN = "Chosen"
    SLOWER = "Slower"
    MISSED_PARITY = "MissedParity"
    FAILED = "Failed"


class GateReport(Evidence):
    """A gate that the build held against a figure of its name. Models that use the artifact hold theirs besides."""

    gate: str
    """Name of the gate and of the figure."""
    sense: Sense
    """Whether the figure must reach the limit or stay below it, with its whole 95% interval."""
    limit: float
    """The limit."""
    outcome: Outcome
    """Pass, Miss or Inconclusive."""


class CandidateReport(Evidence):
    """One candidate: its numbers, or why it has none."""

    engine: Engine
    """What runs the graph."""
    precision: Precision
    """Its number format."""
    outcome: CandidateOutcome
    """What became of it."""
    message: str = ""
    """Why, and what it is made of, for people."""
    parity: Parity | None = None
    """Agreement: of the chosen one on the texts that prove, of the others on those that choose."""
    gates: tuple[GateReport, ...] = ()
    """The gates that its figures were held against."""
    speed: Speed | None = None
    """Speed, if it was measured."""
    size: Count | None = None
    """Bytes of its files."""
    seconds: float | None = None
    """Seconds spent on it: to build, ask and measure it."""


TensorName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]
"""It comes to stand in a server's configuration."""


class AdapterReport(Evidence):
    """A LoRA adapter that was merged into the model."""

    name: str
    """What the spec calls it."""
    scale: float
    """By how much what it adds was multiplied."""
    kind: str
    """Kind of the place, as the spec has it."""
    ref: str
    """The place, pinned where it can be."""
    digest: str
    """sha256 over the sorted ``path size sha256`` lines of the files used."""


class SourceReport(Evidence):
    """What was read."""

    kind: str
    """Kind of the place, as ``spec.source`` has it."""
    ref: str
    """The place, pinned where it can be."""
    digest: str
    """sha256 over the sorted ``path size sha256`` lines of the files used."""
    adapters: tuple[AdapterReport, ...] = ()
    """What was merged into it, in this order; it is the merged model that the proof compares with."""
    architecture: str
    """The model's class."""
    model_type: str
    """The model's family."""
    task: Task
    """What the model is for, read from its files or as the spec says."""
    pooling: str | None = None
    """How an embedding is pooled."""
    inputs: tuple[TensorName, ...] = INPUTS
    """The tensors that the model reads."""
    parameters: Count
    """Numbers in the weights."""
    trained: bool = True
    """False for weights as they are initialised, whose parity proves an export and never a quality."""


class Machine(Evidence):
    """Where it was measured."""

    cpu: str
    """The processor, as the kernel names it."""
    cores: Count
    """Cores that the build could use."""
    memory: Count
    """Memory that the build could use, bytes."""
    instruction_sets: tuple[str, ...]
    """Those that matter here, as the kernel names them."""


class Stage(Evidence):
    """How long one stage took."""

    name: str
    """Its name."""
    seconds: float
    """Seconds that it took."""


class Asked(Evidence):
    """What the build was to be fastest at."""

    objective: Objective
    """Batches of ``batch`` texts, or single requests."""
    batch: Count
    """Texts in a call that counts."""
    sequence: Count
    """Tokens in a typical text."""


class BuildReport(Evidence):
    """Everything that a build measured; attached to the artifact, never part of its digest."""

    schema_version: Literal[1] = 1
    """Version of this shape."""
    name: str
    """Name of the build."""
    key: str
    """sha256 over everything that decides the artifact's bytes."""
    source: SourceReport
    """What was read."""
    asked: Asked | None = None
    """What it was to be fastest at."""
    engine: Engine
    """Engine of the artifact."""
    precision: Precision
    """Precision of the artifact."""
    artifact: ArtifactRef | None = None
    """The artifact; absent before it is pushed."""
    candidates: tuple[CandidateReport, ...]
    """All that were tried, in the order in which they were."""
    machine: Machine
    """Where it was measured."""
    served_by: str = "Triton"
    """What the candidates were asked in: Triton, unless the build ran without a server."""
    versions: dict[str, str]
    """Versions of the tools, by package."""
    images: dict[str, str]
    """Images that built and measured, by their part."""
    stages: tuple[Stage, ...]
    """How long each stage took, in order."""
    started_at: AwareDatetime
    """When the first step began."""
    finished_at: AwareDatetime
    """When the last measurement ended."""
    peak_memory_bytes: Count | None = None
    """The most memory that the conversion held, bytes, without the server beside it."""

    @property
    def chosen(self) -> CandidateReport:
        """Return the candidate that became the artifact."""
        return next(c for c in self.candidates if c.outcome is CandidateOutcome.CHOSEN)

    @model_validator(mode="after")
    def _one_is_chosen(self) -> Self:
        """Refuse a report that doesn't say of which candidate the artifact is."""
        chosen = [(c.engine, c.precision) for c in self.candidates if c.outcome is CandidateOutcome.CHOSEN]
        if chosen != [(self.engine, self.precision)]:
            raise ValueError(f"the artifact is {self.engine} {self.precision}, and {len(chosen)} candidates are chosen")
        return self
