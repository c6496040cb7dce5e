"""What is wanted and there of a ModelBuild: its Jobs, their pods, and what the registry answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from modelyard.api.build import ModelBuildSpec
from modelyard.api.status import ModelBuildStatus
from modelyard.contract.report import ArtifactRef, BuildReport
from modelyard.contract.steps import Step, Termination
from modelyard.errors import SpecNotUnderstood
from modelyard.reasons import Reason
from modelyard.state.desired import Defaults
from modelyard.state.objects import ObjectRef
from modelyard.state.observed import Obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildDesired:
    """A ModelBuild as read.

    ``push_config`` is the config.json with which ``publish`` pushes, or None; ``pull_config`` that of the user's Secret
    for an artifact's registry.
    """

    namespace: str
    name: str
    uid: str
    ref: ObjectRef
    generation: int
    created_at: datetime
    owners: int
    spec: ModelBuildSpec | SpecNotUnderstood
    status: ModelBuildStatus
    deleting: bool
    defaults: Defaults
    push_config: str | None = None
    pull_config: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEnd:
    """How a container ended. ``oom`` where the kernel killed it for memory."""

    name: str
    exit_code: int
    oom: bool
    message: str  # verbatim
    termination: Termination | None  # the message, if it is one of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPodView:
    """A pod of a build's Job."""

    name: str
    attempt: int  # of its Job
    created_at: datetime
    step: Step | None  # the step that runs now
    ends: tuple[ContainerEnd, ...] = ()
    unschedulable: str | None = None
    image_error: str | None = None
    cannot_start: str | None = None
    failed: bool = False  # over: another one takes its place
    evicted: str | None = None  # why the kubelet ended it, in its words


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A build's Job. ``failed`` is the reason of its Failed condition (``BackoffLimitExceeded``, ...)."""

    ref: ObjectRef
    attempt: int
    memory_limit: int | None  # bytes, of ``convert``
    created_at: datetime
    complete: bool = False
    failed: str | None = None
    failed_message: str = ""
    deleting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """The registry has the artifact, with its report."""

    artifact: ArtifactRef
    report: BuildReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The registry answered: there is no such tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFailed:
    """The registry could not be asked, or what it holds doesn't verify."""

    reason: Reason
    message: str


RegistryAnswer: TypeAlias = Hit | Missing | RegistryFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildObserved:
    """The world of one build.

    ``registry`` is asked for only where ``planner.asks_registry`` says so, and ``refusal`` only while ``podless``: why
    the Job controller can make no pod, in the API server's words.
    """

    now: datetime
    jobs: tuple[JobView, ...] = ()
    pods: tuple[BuildPodView, ...] = ()
    objects: Mapping[tuple[str, str], ObjectRef] = field(default_factory=dict)  # (kind, name): ConfigMap, Secret
    registry: RegistryAnswer | None = None
    refusal: str | None = None
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def podless(self) -> JobView | None:
        """Return the newest Job if it is to run and no pod of it is left: the next one is being made, or refused."""
        job = self.jobs[-1] if self.jobs else None
        if job is None or job.deleting or job.complete or job.failed is not None:
            return None
        return None if any(pod.attempt == job.attempt and not pod.failed for pod in self.pods) else job
