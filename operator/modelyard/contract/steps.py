"""What a build answers while it runs: exit codes, termination messages through the kubelet, progress on its log."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from pydantic import Field

from modelyard.contract.report import ArtifactRef
from modelyard.contract.wire import Wire


class Step(StrEnum):
    """What the containers of the build pod do, in their order. Each adapter has a further one that fetches it."""

    FETCH = "fetch"
    CONVERT = "convert"
    PUBLISH = "publish"


def adapter_container(name: str) -> str:
    """Return the container that fetches an adapter: each sees no other's secret."""
    return f"{Step.FETCH}-{name}"


def step_of(container: str) -> Step | None:
    """Return the step that a container of the build pod is of, None for the server."""
    step = container.partition("-")[0]
    return Step(step) if step in set(Step) else None


class ExitCode(IntEnum):
    """Exit codes of a step: from 64 to 127 it has said why, and the build ends; after others a retry may help."""

    OK = 0
    REFUSED = 64


WAIT_UNTIL = "MODELYARD_WAIT_UNTIL"
"""Variable that says, in ISO 8601, until when a step waits for a hub or registry that is down. Unset: not at all."""


class BuildReason(StrEnum):
    """Why a build failed: a closed set, each explained with its fix in the docs."""

    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_UNAUTHORIZED = "SourceUnauthorized"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    DIGEST_MISMATCH = "DigestMismatch"
    SOURCE_INVALID = "SourceInvalid"  # truncated weights, no config, no tokenizer
    DATASET_INVALID = "DatasetInvalid"  # the user's texts: too few, no text, changed since
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
    REGISTRY_REFUSED = "RegistryRefused"  # it answers, and doesn't take the artifact
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
