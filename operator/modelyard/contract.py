"""What the operator asks of a build, and what the build answers: the only types that both sides share.

Standard library and pydantic only, so that the Job's images and the operator import it alike. A request travels as
a ConfigMap into the pod (``request.json``), a termination message comes back through the kubelet, and a report is
attached to the artifact in the registry. Field names are camelCase on the wire, as in the Kubernetes objects.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """Base of everything here: frozen, camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no spaces, absent fields left out."""
        return _canonical(self.model_dump(mode="json", by_alias=True, exclude_none=True))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Task(StrEnum):
    """What a model is for; ``AUTO`` reads it from the model's own files."""

    AUTO = "Auto"
    EMBEDDING = "Embedding"
    CLASSIFICATION = "Classification"
    TOKEN_CLASSIFICATION = "TokenClassification"  # noqa: S105 - a task, no secret
    GENERATION = "Generation"
    SEQ2SEQ = "Seq2Seq"


class Engine(StrEnum):
    """What runs the converted graph."""

    AUTO = "Auto"
    ONNX_RUNTIME = "OnnxRuntime"
    OPENVINO = "OpenVINO"
    TENSORRT = "TensorRT"
    INDUCTOR = "Inductor"


class Precision(StrEnum):
    """The number format of the products and of the stored weights."""

    AUTO = "Auto"
    FP32 = "FP32"
    FP16 = "FP16"
    BF16 = "BF16"
    INT8 = "INT8"
    INT8_WEIGHTS = "INT8Weights"
    INT4_WEIGHTS = "INT4Weights"
    FP8 = "FP8"


class Objective(StrEnum):
    """By what ``Auto`` takes the fastest: batches of ``shapes.batch.opt``, or single requests."""

    THROUGHPUT = "Throughput"
    LATENCY = "Latency"


class Candidate(Wire):
    """One way to run the model."""

    engine: Engine
    precision: Precision


SUPPORTED_CANDIDATES: tuple[Candidate, ...] = (
    Candidate(engine=Engine.OPENVINO, precision=Precision.BF16),
    Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.INT8_WEIGHTS),
    Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32),
)
"""What this version can build, the order in which ``Auto`` tries."""

SUPPORTED_TASKS: tuple[Task, ...] = (Task.EMBEDDING, Task.CLASSIFICATION)


# --- request ---------------------------------------------------------------------------------------------------


class HuggingFaceFiles(Wire):
    """A repository at a commit. The token, if any, is in the environment of ``fetch`` as ``HF_TOKEN``."""

    kind: Literal["huggingFace"] = "huggingFace"
    repo: str
    revision: str
    endpoint: str


class OciFiles(Wire):
    """A model folder pushed as an OCI artifact, by digest. Credentials in ``$DOCKER_CONFIG/config.json``."""

    kind: Literal["oci"] = "oci"
    ref: str
    plain_http: bool = False


class VolumeFiles(Wire):
    """A folder of the claim that is mounted read-only at ``/source``."""

    kind: Literal["pvc"] = "pvc"
    path: str = ""
    revision: str = ""


SourceFiles = Annotated[HuggingFaceFiles | OciFiles | VolumeFiles, Field(discriminator="kind")]


class BatchSize(Wire):
    """Texts in one call: the number to be fastest at."""

    opt: int = Field(ge=1)


class Length(Wire):
    """Tokens in one text: the typical and the greatest number."""

    opt: int = Field(ge=1)
    max: int = Field(ge=1)


class Shapes(Wire):
    """Sizes to optimize for. batch in texts, sequence in tokens."""

    batch: BatchSize = BatchSize(opt=8)
    sequence: Length = Length(opt=128, max=512)


class ParityGate(Wire):
    """What a build must keep of the original; the defaults are strict.

    Each holds against the one-sided 95% bound of its figure, never against the figure alone. A field that the
    task has no figure for is refused, so it is None unless the user set it; ``for_task`` fills in the defaults.
    """

    p1_cosine: float | None = None
    neighbours_kept: float | None = None
    min_cosine: float | None = None
    agreement: float | None = None
    max_shift: float | None = None
    logit_error: float | None = None
    batch_invariance: float | None = None


class Destination(Wire):
    """Where ``publish`` pushes: ``repository`` without a scheme, tagged with ``tag``."""

    repository: str
    tag: str
    plain_http: bool = False


class BuildRequest(Wire):
    """One conversion. ``key`` is the sha256 over everything that decides the artifact's bytes."""

    name: str
    key: str
    source: SourceFiles
    task: Task = Task.AUTO
    candidates: tuple[Candidate, ...]
    objective: Objective = Objective.THROUGHPUT
    shapes: Shapes = Shapes()
    parity: ParityGate = ParityGate()
    destination: Destination
    images: dict[str, str] = Field(default_factory=dict)
    timeout_seconds: int = 3600


# --- what comes back while it runs -------------------------------------------------------------------------------


class Step(StrEnum):
    """The containers of the build pod, in their order."""

    FETCH = "fetch"
    CONVERT = "convert"
    PUBLISH = "publish"


class ExitCode(IntEnum):
    """Exit codes of the build's steps: below 64 a retry may help, from 64 on it never does."""

    OK = 0
    TRANSIENT = 10
    REFUSED = 64


class BuildReason(StrEnum):
    """Why a build failed: a closed set, each explained with its fix in the docs."""

    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_UNAUTHORIZED = "SourceUnauthorized"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    DIGEST_MISMATCH = "DigestMismatch"
    SOURCE_INVALID = "SourceInvalid"  # truncated weights, no config, no tokenizer
    UNSUPPORTED_ARCHITECTURE = "UnsupportedArchitecture"
    UNSUPPORTED_TASK = "UnsupportedTask"
    UNSUPPORTED_PRECISION = "UnsupportedPrecision"  # this machine can't run it
    GATE_NOT_APPLICABLE = "GateNotApplicable"  # a gate that the task has no figure for
    SHAPES_NOT_POSSIBLE = "ShapesNotPossible"  # longer than the model's positions
    OUT_OF_MEMORY = "OutOfMemory"
    DISK_FULL = "DiskFull"
    NO_CANDIDATE = "NoCandidate"  # Auto: every candidate failed or missed the gate
    CONVERSION_FAILED = "ConversionFailed"
    SERVER_REFUSED = "ServerRefused"  # Triton did not load the repository
    REGISTRY_UNREACHABLE = "RegistryUnreachable"
    REGISTRY_UNAUTHORIZED = "RegistryUnauthorized"
    IMAGE_NOT_PULLABLE = "ImageNotPullable"
    NO_NODE_FITS = "NoNodeFits"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    POD_LOST = "PodLost"  # deleted or evicted more often than the Job retries


class Termination(Wire):
    """What a step leaves in its termination message (4 KiB at most), written early and replaced as it goes on.

    A step that is killed leaves its last one: that is how the memory estimate outlives an OOM kill.
    """

    step: Step
    stage: str = ""
    reason: BuildReason | None = None
    message: str = ""
    memory_estimate_bytes: int | None = None
    source_digest: str | None = None
    artifact: ArtifactRef | None = None


class Progress(Wire):
    """One line of JSON on a step's standard output. ``fraction`` of this stage, 0 to 1; elapsed of the step."""

    step: Step
    stage: str
    fraction: float = Field(ge=0, le=1)
    elapsed_seconds: float = Field(ge=0)
    message: str = ""


# --- report ------------------------------------------------------------------------------------------------------


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

    ``figures`` holds what gates can be held against, by the gate's field name (camelCase); ``reported`` what is only
    told (minimum, mean, norm error, confusion, extremes). ``dataset`` says whose texts they were.
    """

    dataset: str
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
    """What was read: ``digest`` is the sha256 over the sorted ``path size sha256`` lines of the files used."""

    kind: str
    ref: str
    digest: str
    architecture: str
    model_type: str
    task: Task
    pooling: str | None = None
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


Termination.model_rebuild()
