"""What the operator tells: the status of both kinds. Numbers are strings: a float doesn't survive every client."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from modelyard.api.base import ATOMIC, ApiModel, map_by
from modelyard.contract.choices import INPUTS

COMMAND_LIMIT = 1024
"""Characters of a command that the status names as it is."""


class Condition(ApiModel):
    """One aspect of the state, in the form of metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    """Name of the condition, unique in its list."""
    status: Annotated[str, Field(pattern="^(True|False|Unknown)$")]
    """True, False or Unknown."""
    reason: Annotated[str, Field(max_length=1024, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, as one of the documented reasons."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """Why, for people: with numbers and absolute times."""
    last_transition_time: datetime
    """When status last changed."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this is about."""


class FigureStatus(ApiModel):
    """A measured value with its one-sided 95% bounds."""

    value: str
    """The value."""
    lower: str
    """Lower bound."""
    upper: str
    """Upper bound."""
    samples: int
    """Texts or pairs that it was measured on."""


class LatencyStatus(ApiModel):
    """One call at one batch size, original and engine in alternation."""

    batch: int
    """Texts in a call."""
    sequence: int
    """Tokens in a text."""
    original_p50: str
    """Median of the original, milliseconds."""
    original_p95: str
    """95th percentile of the original, milliseconds."""
    p50: str
    """Median, milliseconds."""
    p95: str
    """95th percentile, milliseconds."""
    speedup: FigureStatus
    """How many times faster than the original."""


class CandidateStatus(ApiModel):
    """What became of one candidate."""

    engine: str
    """What runs the graph."""
    precision: str
    """Its number format."""
    outcome: str
    """Chosen, Slower, MissedParity or Failed."""
    message: Annotated[str, Field(max_length=500)] = ""
    """Its numbers in a sentence, or why it has none."""


class ArtifactStatus(ApiModel):
    """A pushed artifact."""

    repository: str
    """REGISTRY/REPOSITORY that it was pushed to."""
    digest: str
    """sha256 of its manifest."""
    size: int
    """Bytes of its layers."""
    report: str | None = None
    """Digest of the attached report."""


class BuildResult(ApiModel):
    """The essentials of a build's report."""

    artifact: ArtifactStatus
    """What was pushed."""
    engine: str
    """What runs the graph."""
    precision: str
    """Its number format."""
    task: str
    """What the model is for, read from its files."""
    architecture: str
    """The model's class."""
    source_digest: str
    """Digest over the files that were read."""
    pooling: str | None = None
    """How an embedding is pooled."""
    inputs: Annotated[list[str], Field(max_length=8, json_schema_extra=ATOMIC)] = Field(
        default_factory=lambda: [*INPUTS]
    )
    """The tensors that the model reads."""
    trained: bool = True
    """False for weights without a trace of training: then an export is proven, and no quality."""
    dataset: str
    """Whose texts it was proven on."""
    speedup: str = ""
    """How many times faster than the original at the opt batch size."""
    figures: Annotated[dict[str, FigureStatus], Field(max_length=32)] = Field(default_factory=dict)
    """What gates are held against, by the gate's name."""
    latencies: Annotated[list[LatencyStatus], Field(max_length=16, json_schema_extra=ATOMIC)] = Field(
        default_factory=list
    )
    """Speed through the server against the original on the same threads."""
    candidates: Annotated[list[CandidateStatus], Field(max_length=32, json_schema_extra=ATOMIC)] = Field(
        default_factory=list
    )
    """What became of each candidate."""
    finished_at: datetime
    """When it was measured."""


class ModelBuildStatus(ApiModel):
    """Where the conversion stands."""

    observed_generation: int = 0
    """The generation of the spec that this is about."""
    phase: str = ""
    """Pending, Running, Succeeded or Failed."""
    source: Annotated[str, Field(max_length=1024)] = ""
    """What is built, in a few words."""
    step: str = ""
    """The step that runs: fetch, convert or publish."""
    reason: str = ""
    """Why it failed or waits."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """The same, for people."""
    job: str = ""
    """The Job of the latest try; empty where the registry had the artifact."""
    memory_estimate_bytes: int | None = None
    """What the conversion asked for before it loaded the weights."""
    started_at: datetime | None = None
    """When the first Job was made."""
    finished_at: datetime | None = None
    """When it succeeded or failed."""
    result: BuildResult | None = None
    """The essentials of the report."""
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=map_by("type"))] = Field(
        default_factory=list
    )
    """Ready, Reconciling and Stalled, as kstatus reads them."""


class RejectedStatus(ApiModel):
    """A revision that gets no traffic until the spec changes or ``retry``."""

    revision: str
    """Name of the revision."""
    reason: str
    """Why, as one of the documented reasons."""
    message: str
    """Why, for people."""
    at: datetime
    """When it was rejected."""


class RolloutStatus(ApiModel):
    """Where the traffic stands."""

    revision: str
    """The revision that has the traffic or is getting it."""
    weight: int
    """Its share in percent."""
    weight_verified_at: datetime | None = None
    """When every proxy was first seen to route so; absent until then."""


class WeightsStatus(ApiModel):
    """Who has the traffic, in percent."""

    stable: int = 0
    """Share of the stable revision."""
    candidate: int = 0
    """Share of the target that isn't stable yet."""


class ArtifactSummary(ApiModel):
    """One artifact that this model serves or is to serve."""

    revision: str
    """The revision that serves it."""
    build: str
    """The ModelBuild it comes from."""
    engine: str
    """What runs the graph."""
    precision: str
    """Its number format."""
    digest: str
    """sha256 of its manifest."""
    ref: str = ""
    """Where its pods pull it: what spec.source.artifact.ref names to promote it elsewhere."""
    size: int
    """Bytes of its layers."""
    parity: Annotated[dict[str, str], Field(max_length=32)] = Field(default_factory=dict)
    """Agreement with the original, by the gate's name."""
    speedup: Annotated[dict[str, str], Field(max_length=16)] = Field(default_factory=dict)
    """How many times faster than the original, by batch size."""


class EndpointsStatus(ApiModel):
    """Where clients ask."""

    http: str = ""
    """URL of the HTTP endpoint."""
    grpc: str = ""
    """Address of the gRPC endpoint."""


class OptimizedModelStatus(ApiModel):
    """Where the model stands."""

    observed_generation: int = 0
    """The generation of the spec that this is about."""
    phase: str = ""
    """Healthy, Progressing, Degraded or Suspended."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """The state in a sentence, with numbers and absolute times."""
    stable_revision: str = ""
    """The revision that has the traffic: every proxy was seen to send requests so."""
    target_revision: str = ""
    """The revision that is followed: what the spec asks for, or what a command rolled back to."""
    build: str = ""
    """The ModelBuild of the target."""
    rejected: Annotated[list[RejectedStatus], Field(max_length=32, json_schema_extra=map_by("revision"))] = Field(
        default_factory=list
    )
    """Revisions that get no traffic, with the evidence."""
    rollout: RolloutStatus | None = None
    """Where the traffic stands."""
    weights: WeightsStatus = WeightsStatus()
    """Who has the traffic, in percent."""
    artifacts: Annotated[list[ArtifactSummary], Field(max_length=32, json_schema_extra=map_by("revision"))] = Field(
        default_factory=list
    )
    """What is served or to be served."""
    engine: str = ""
    """Engine of the artifact that is shown first."""
    precision: str = ""
    """Its precision."""
    speedup: str = ""
    """Its speedup at the opt batch size."""
    endpoints: EndpointsStatus = EndpointsStatus()
    """Where clients ask."""
    replicas: int = 0
    """Pods of the stable revision."""
    ready_replicas: int = 0
    """Those of them that take requests."""
    selector: str = ""
    """Label selector of the stable revision's pods."""
    outdated: Annotated[list[str], Field(max_length=32, json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """What the command refresh would change."""
    last_handled_command: Annotated[str, Field(max_length=COMMAND_LIMIT)] = ""
    """The command annotation that was last carried out or refused."""
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=map_by("type"))] = Field(
        default_factory=list
    )
    """Ready, Serving, Reconciling, Stalled, SourceResolved, Converted, ParityVerified, RolloutComplete."""
