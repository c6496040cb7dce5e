"""What a pass knows and what it may do: frozen values between the shell and the planner.

The shell observes (``Desired``, ``Observed``), ``planner.plan_model`` decides (``Plan``), the shell carries the actions
out in order and writes one status. ``BuildDesired`` and ``BuildObserved`` are the same for a ModelBuild. Views are
made from the API server's JSON by ``views.py``; time is data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from modelyard.api.build import ModelBuildSpec
from modelyard.api.model import OptimizedModelSpec
from modelyard.api.pod import ResourcesSpec
from modelyard.api.status import BuildResult, ModelBuildStatus, OptimizedModelStatus
from modelyard.contract import ArtifactRef, BuildReport, Step, Termination
from modelyard.errors import InvalidCommand, SpecNotUnderstood
from modelyard.reasons import Reason
from modelyard.routes import Routes
from modelyard.snapshot import Pin, Snapshot

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """One object as this pass read it. Writes and deletes carry uid and resource_version as preconditions."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str


# --- what is wanted ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images that a new resolution takes."""

    operator: str
    runtime: str
    triton: str
    envoy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where artifacts live: ``push`` for the Job's publish, ``pull`` for pods. host[:port][/path], no scheme."""

    push: str
    pull: str
    plain_http: bool = False
    pull_secret: str | None = None  # a dockerconfigjson Secret that is in every model's namespace


_BUILD_RESOURCES = ResourcesSpec(requests={"cpu": "500m", "memory": "2Gi"}, limits={"memory": "4Gi"})
_SERVING_RESOURCES = ResourcesSpec(requests={"cpu": "200m", "memory": "512Mi"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The operator's settings, as far as planning needs them."""

    images: Images
    registry: Registry
    hugging_face_endpoint: str = "https://huggingface.co"
    build_resources: ResourcesSpec = _BUILD_RESOURCES
    serving_resources: ResourcesSpec = _SERVING_RESOURCES
    cluster_domain: str = "cluster.local"
    drain_seconds: int = 15
    retire_delay: timedelta = timedelta(seconds=30)


class Verb(StrEnum):
    """What a person may command through the annotation."""

    PROMOTE = "promote"
    PROMOTE_FULL = "promote-full"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    ROLLBACK = "rollback"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command, as written: ``<verb> <revision> <nonce>``."""

    verb: Verb
    revision: str
    raw: str


def command_from(annotation: str) -> Command:
    """Return the command in the annotation's text. Raises InvalidCommand."""
    words = annotation.split()
    if len(words) != 3 or words[0] not in set(Verb):  # noqa: PLR2004 - verb, revision, nonce
        message = f"{annotation!r} is no command; write '<verb> <revision> <nonce>', verb one of {', '.join(Verb)}"
        raise InvalidCommand(message)
    return Command(verb=Verb(words[0]), revision=words[1], raw=annotation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """An OptimizedModel as read. ``spec`` is an error where this version can't read it: then nothing is done."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: OptimizedModelSpec | SpecNotUnderstood
    status: OptimizedModelStatus  # as last written; empty at first
    command: Command | InvalidCommand | None  # the annotation, unless status.lastHandledCommand names it
    command_text: str  # the annotation verbatim, "" if none
    deleting: bool
    defaults: Defaults


# --- what is there: a model --------------------------------------------------------------------------------------


class BuildPhase(StrEnum):
    """The small state machine of a ModelBuild."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildView:
    """A ModelBuild as a model sees it. ``result`` is None until it succeeded; ``since`` is of the present phase."""

    ref: ObjectRef
    key: str
    attempt: int
    phase: BuildPhase
    owned: bool  # this model is one of its owners
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
    terminated: str | None = None
    restarts: int = 0
    ref: ObjectRef
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A revision that has objects. ``replicas`` is what its Deployment asks for, None where that is gone."""

    name: str
    objects: Mapping[str, ObjectRef]  # by kind
    replicas: int | None
    created_at: datetime | None  # of its Deployment
    pods: tuple[PodView, ...] = ()
    failure: str | None = None  # the Deployment's ReplicaFailure: a quota, an admission webhook
    deleting: frozenset[str] = frozenset()  # kinds on their way out

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

    ``inputs`` is the digest of what the Deployment was made from; another one means that it must be applied again.
    """

    objects: Mapping[str, ObjectRef]  # by kind: Deployment, ConfigMap, Service, PodDisruptionBudget
    routes: Routes | None
    routes_hash: str | None
    written_at: datetime | None
    verified_at: datetime | None  # when every proxy was seen to serve them; noted only where somebody waits for it
    inputs: str | None
    wanted_replicas: int | None
    pods: tuple[PodView, ...] = ()
    replicas: tuple[ProxyReplica, ...] = ()  # one for each pod with an IP that isn't terminating


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
    rejection: Rejection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFailed:
    """The source could not be pinned."""

    reason: Reason
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
    """The world of one model. ``pin`` is asked for only where ``planner.needs_pin`` says so."""

    now: datetime
    records: tuple[Record, ...] = ()
    builds: Mapping[str, BuildView] = field(default_factory=dict)  # by name
    revisions: Mapping[str, RevisionView] = field(default_factory=dict)  # by name
    proxy: ProxyView
    pin: Pin | PinFailed | None = None
    obstacles: tuple[Obstacle, ...] = ()  # met by an earlier try of this very pass
    unreadable: str | None = None  # a record that this version can't read: then nothing is done


# --- what is wanted and there: a build ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildDesired:
    """A ModelBuild as read. ``push_config`` is the config.json with which ``publish`` pushes, or None."""

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
    """The world of one build. ``registry`` is asked for only where ``planner.asks_registry`` says so."""

    now: datetime
    jobs: tuple[JobView, ...] = ()
    pods: tuple[BuildPodView, ...] = ()
    objects: Mapping[tuple[str, str], ObjectRef] = field(default_factory=dict)  # (kind, name): ConfigMap, Secret
    registry: RegistryAnswer | None = None
    obstacles: tuple[Obstacle, ...] = ()


# --- what may be done --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """POST. If an object of that name exists and its controller is ours: nothing; else it is an obstacle."""

    manifest: Manifest
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Server-side apply over the object of this pass: uid and resourceVersion are in the manifest's metadata."""

    manifest: Manifest
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """JSON merge patch of the object of this pass: its uid and resourceVersion are preconditions."""

    ref: ObjectRef
    patch: Manifest
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Set the scale subresource of a Deployment."""

    ref: ObjectRef
    replicas: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete in the background, with uid and resourceVersion as preconditions; 404 is done."""

    ref: ObjectRef
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotate:
    """Merge annotations into an object (the proxy's pods: kubelet then looks at their ConfigMap at once)."""

    ref: ObjectRef
    annotations: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """Server-side apply of one owner reference under ``manager``, a field manager of this owner's own."""

    ref: ObjectRef
    owner: Manifest  # an ownerReference
    manager: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disown:
    """Server-side apply of no owner reference under ``manager``: removes its own, never another's."""

    ref: ObjectRef
    manager: str
    why: str


Action: TypeAlias = Create | Apply | Amend | Scale | Delete | Annotate | Own | Disown


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A Kubernetes Event about the object."""

    warning: bool
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one pass of a model does. An empty plan (no action, no ``requeue_after``) is a model at rest.

    ``findings`` is what ``status_of`` turns into conditions; ``events`` are those of commands: the rest comes from
    ``events_of`` two statuses.
    """

    actions: tuple[Action, ...]
    findings: Findings
    requeue_after: timedelta | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """What one pass of a build does, and the status to write."""

    actions: tuple[Action, ...]
    status: ModelBuildStatus
    requeue_after: timedelta | None = None


# --- what was found ----------------------------------------------------------------------------------------------


class Truth(StrEnum):
    """A condition's status."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A condition, times apart."""

    truth: Truth
    reason: Reason
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a pass found out, for the status.

    ``stages`` holds SourceResolved, Converted, ParityVerified, RolloutComplete and Serving. ``trouble`` is what keeps
    the model from its target and won't go away by itself; ``waiting`` is what it waits for.
    """

    stages: Mapping[str, Finding] = field(default_factory=dict)
    trouble: Finding | None = None
    waiting: Finding | None = None
    stable: str | None = None
    target: str | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    weight_verified: bool = False
    handled_command: str | None = None
    understood: bool = True


__all__ = [
    "Action",
    "Annotate",
    "Apply",
    "BuildDesired",
    "BuildObserved",
    "BuildPhase",
    "BuildPlan",
    "BuildPodView",
    "BuildView",
    "Command",
    "ContainerEnd",
    "Create",
    "Defaults",
    "Delete",
    "Desired",
    "Disown",
    "Event",
    "Finding",
    "Findings",
    "Hit",
    "Images",
    "JobView",
    "Manifest",
    "Missing",
    "ObjectRef",
    "Observed",
    "Obstacle",
    "Own",
    "PinFailed",
    "Plan",
    "PodView",
    "ProxyReplica",
    "ProxyView",
    "Record",
    "Registry",
    "RegistryAnswer",
    "RegistryFailed",
    "Rejection",
    "RevisionView",
    "Routes",
    "Scale",
    "Truth",
    "Verb",
    "command_from",
]
