"""``OptimizedModel``: what a user writes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard.api.base import ApiModel, Duration, PositiveDuration, Quantity, rule, rules
from modelyard.api.optimization import OptimizationSpec
from modelyard.api.pod import PodOverlay, ResourcesSpec
from modelyard.api.proof import GatesSpec
from modelyard.api.source import Source
from modelyard.contract.choices import Task


class BuildSettings(ApiModel):
    """How the conversion runs. Nothing here changes what comes out."""

    pod: PodOverlay = PodOverlay()
    """Fields of the build's pod."""
    resources: ResourcesSpec = ResourcesSpec()
    """Resources of the conversion. A memory limit set here is never exceeded; without one, a build that runs
    out of memory is tried once more with what it asks for."""
    scratch: Quantity = "20Gi"
    """Size limit of the working disk."""
    timeout: PositiveDuration = "1h"
    """How long one attempt may take, waiting for a node included."""


class BatchingSpec(ApiModel):
    """How the server batches requests."""

    max_batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    """Greatest number of texts in one execution."""
    max_queue_delay: Duration = "0s"
    """How long a request may wait for others. It costs its length at low load."""
    max_queue_size: Annotated[int, Field(ge=1, le=65536)] = 512
    """Requests that may wait; further ones are answered 503."""


Instances = Annotated[
    int | Literal["Auto"],
    Field(
        json_schema_extra={
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
        }
        | rules(rule("type(self) == int ? self >= 1 && self <= 256 : self == 'Auto'", "give 1 to 256, or Auto"))
    ),
]


class ServingSpec(ApiModel):
    """How the model is served."""

    model_name: Annotated[
        str | None, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    ] = None
    """What clients call on /v2/models/NAME. Default: the name of this object. Never changes."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Number of pods."""
    resources: ResourcesSpec = ResourcesSpec()
    """Resources of a server."""
    batching: BatchingSpec = BatchingSpec()
    """How the server batches requests."""
    instances: Instances = "Auto"
    """Copies of the model in one server, one thread each. Auto: one a core of the CPU limit (or request), else 2."""
    pod: PodOverlay = PodOverlay()
    """Fields of the serving pods."""


class RolloutSpec(ApiModel):
    """How a new revision takes over."""

    progress_deadline: PositiveDuration = "15m"
    """How long a new revision may take to be ready, from the time its pods have a node."""
    revision_history_limit: Annotated[int, Field(ge=0, le=20)] = 3
    """Former revisions that are kept for the command rollback."""


class ProxySpec(ApiModel):
    """The model's proxy."""

    replicas: Annotated[int, Field(ge=1, le=50)] = 2
    """Number of proxies."""
    resources: ResourcesSpec = ResourcesSpec(requests={"cpu": "100m", "memory": "64Mi"}, limits={"memory": "256Mi"})
    """Resources of a proxy."""


class TrafficSpec(ApiModel):
    """How requests reach the model."""

    proxy: ProxySpec = ProxySpec()
    """The model's proxy."""


_AUTO = OptimizationSpec()
NOT_BESIDE_AN_ARTIFACT = {
    "task": "self.task == 'Auto'",
    "optimization.engine and precision": (
        f"(self.optimization.engine == '{_AUTO.engine}' && self.optimization.precision == '{_AUTO.precision}')"
    ),
    "optimization.objective": f"self.optimization.objective == '{_AUTO.objective}'",
    "optimization.shapes": (
        f"(self.optimization.shapes.batch.opt == {_AUTO.shapes.batch.opt}"
        f" && self.optimization.shapes.sequence.opt == {_AUTO.shapes.sequence.opt}"
        " && !has(self.optimization.shapes.sequence.max))"
    ),
    "source.mergeAdapters": "!has(self.source.mergeAdapters)",
    "gates.dataset": "!has(self.gates) || !has(self.gates.dataset)",
}
"""Fields of a spec that say what to convert to or what to ask, each with the rule that it is not given."""


class OptimizedModelSpec(ApiModel):
    """A model, the precision wanted, the proof required, and how it is served."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *(
                rule(
                    f"!has(self.source.artifact) || {unset}",
                    f"an artifact is built and measured already: leave {field} out, or name the model as its source",
                    ".source.artifact",
                )
                for field, unset in NOT_BESIDE_AN_ARTIFACT.items()
            )
        )
    )

    source: Source
    """Where the model comes from. Exactly one member."""
    task: Task = Task.AUTO
    """What the model is for. Auto reads it from the model's own files."""
    optimization: OptimizationSpec = OptimizationSpec()
    """What to build."""
    gates: GatesSpec = GatesSpec()
    """What a build must prove before it gets traffic."""
    build: BuildSettings = BuildSettings()
    """How the conversion runs."""
    serving: ServingSpec = ServingSpec()
    """How the model is served."""
    rollout: RolloutSpec = RolloutSpec()
    """How a new revision takes over."""
    traffic: TrafficSpec = TrafficSpec()
    """How requests reach the model."""
    suspend: bool = False
    """Freezes builds and roll-outs; serving, healing and scaling go on."""
