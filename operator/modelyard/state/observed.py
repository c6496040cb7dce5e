"""What is there of a model: its records, builds, revisions, proxy, and what was in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from modelyard.api.build import ModelBuildSpec
from modelyard.api.status import BuildResult
from modelyard.pins import Pins
from modelyard.reasons import Reason
from modelyard.routes import Routes
from modelyard.snapshot import Snapshot
from modelyard.state.objects import ObjectRef


class BuildPhase(StrEnum):
    """The small state machine of a ModelBuild."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildView:
    """A ModelBuild as a model sees it. ``result`` is None until it succeeded, ``spec`` for one of a newer version."""

    ref: ObjectRef
    key: str
    attempt: int
    phase: BuildPhase
    owned: bool  # this model is one of its owners
    shared: bool = False  # and there are others
    spec: ModelBuildSpec | None = None
    deleting: bool = False
    step: str = ""
    reason: Reason | None = None
    message: str = ""
    result: BuildResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """A pod of a revision or of the proxy. ``terminated`` is its container's last termination message, verbatim."""

    name: str
    ip: str | None
    ready: bool
    terminating: bool
    scheduled_at: datetime | None = None
    unschedulable: str | None = None  # the scheduler's message
    image_error: str | None = None
    cannot_start: str | None = None  # a volume or a Secret that isn't there, in the kubelet's words
    pull_failed: str | None = None  # last words of the container that pulls the artifact, while it hasn't
    terminated: str | None = None
    restarts: int = 0
    out_of_memory: str | None = None  # the container that was last killed for memory
    ref: ObjectRef
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A revision that has objects. ``replicas`` is what its Deployment asks for, None where that is gone."""

    name: str
    objects: Mapping[tuple[str, str], ObjectRef]  # by (kind, name)
    replicas: int | None
    created_at: datetime | None  # of its Deployment
    pods: tuple[PodView, ...] = ()
    failure: str | None = None  # the Deployment's ReplicaFailure: a quota, an admission webhook
    deleting: frozenset[tuple[str, str]] = frozenset()  # of ``objects``, those on their way out
    meddlers: Mapping[tuple[str, str], str] = field(default_factory=dict)  # who changed which of ``objects``

    def left(self, kind: str) -> tuple[ObjectRef, ...]:
        """Return the objects of this kind that nobody deletes yet."""
        return tuple(
            ref
            for (found, name), ref in sorted(self.objects.items())
            if found == kind and (found, name) not in self.deleting
        )

    @property
    def ready_replicas(self) -> int:
        """Return the number of pods that take requests."""
        return sum(pod.ready and not pod.terminating for pod in self.pods)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyReplica:
    """One Envoy that runs: the hash of its routes (None: not reached), and the revisions healthy in it."""

    pod: str
    routes_hash: str | None
    healthy: frozenset[str]
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyView:
    """The model's Envoy. ``routes`` and ``routes_hash`` are of the written ConfigMap; ``replicas`` what runs.

    A ConfigMap that somebody changed says nothing: it is among ``objects`` and ``meddlers``, and ``routes`` is None.

    ``weighed_at`` is since when the written weights are these; ``verified_at`` when every proxy was first seen to send
    requests by them. Clusters that come and go without a weight change neither. ``inputs`` is the digest of what the
    Deployment was made from; another one means that it must be applied again.
    """

    objects: Mapping[str, ObjectRef]  # by kind: Deployment, ConfigMap, Service, PodDisruptionBudget
    routes: Routes | None
    routes_hash: str | None
    written_at: datetime | None
    weighed_at: datetime | None
    verified_at: datetime | None
    inputs: str | None
    wanted_replicas: int | None
    pods: tuple[PodView, ...] = ()
    failure: str | None = None  # as a revision's
    replicas: tuple[ProxyReplica, ...] = ()  # one for each pod with an IP that isn't terminating
    meddlers: Mapping[str, str] = field(default_factory=dict)  # who changed which of ``objects``, by kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a revision gets no traffic until the spec changes or ``retry``."""

    reason: Reason
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A ControllerRevision: a snapshot, and what was said about it since (annotations)."""

    ref: ObjectRef
    sequence: int  # the highest is the current one
    generation: int
    spec_digest: str
    snapshot: Snapshot
    promoted: bool = False
    served: bool = False  # it has had all of the traffic, verified
    rejection: Rejection | None = None
    rolled_back_by: str | None = None  # the command, as written


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFailed:
    """The source could not be pinned."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDoubt:
    """Why the registry doesn't vouch for an artifact. ``gone``: it hasn't it; else it can't be asked."""

    gone: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """An object of ours that could not be made in this pass: its name is taken, or the API server refused it."""

    kind: str
    name: str
    reason: Reason  # NAME_TAKEN or OBJECT_REFUSED
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The world of one model.

    ``pins`` and ``artifact`` are asked for only where ``planner.needs_pin`` and ``planner.retried_build`` say so.
    """

    now: datetime
    records: tuple[Record, ...] = ()
    builds: Mapping[str, BuildView] = field(default_factory=dict)  # by name
    revisions: Mapping[str, RevisionView] = field(default_factory=dict)  # by name
    proxy: ProxyView
    pins: Pins | PinFailed | None = None
    artifact: ArtifactDoubt | None = None  # of the target, that a retry is commanded for
    obstacles: tuple[Obstacle, ...] = ()  # met by an earlier try of this very pass
    unreadable: str | None = None  # a record that this version can't read: then nothing is done
