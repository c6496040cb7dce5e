"""What a pass may do, and what it found: actions in their order, and the plans that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from modelyard.api.status import ModelBuildStatus
from modelyard.reasons import Reason
from modelyard.state.objects import Manifest, ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An owner reference under ``manager``, a field manager of this owner's own: it takes back its own, no other's."""

    owner: Manifest  # an ownerReference
    manager: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """POST. If an object of that name exists and its controller is ours: nothing; else it is an obstacle.

    What others may come to share is claimed at once: made late for an owner that went meanwhile, it is collected.
    """

    manifest: Manifest
    why: str
    claim: Claim | None = None


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
class Restore:
    """Put back what is ours alone of an object that ``meddler`` changed: uid and resourceVersion are preconditions."""

    ref: ObjectRef
    manifest: Manifest
    meddler: str
    why: str = "somebody changed it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Delete an object that ``meddler`` changed, with preconditions as ``Delete``, and make it anew."""

    ref: ObjectRef
    manifest: Manifest
    meddler: str
    why: str = "somebody changed it"


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
    """Server-side apply of a claim on an object that others share."""

    ref: ObjectRef
    claim: Claim
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disown:
    """Server-side apply of no owner reference under ``manager``: removes its own, never another's."""

    ref: ObjectRef
    manager: str
    why: str


Action: TypeAlias = Create | Apply | Amend | Restore | Replace | Scale | Delete | Annotate | Own | Disown


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A Kubernetes Event about the object."""

    warning: bool
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one pass of a model does. An empty plan (no action, no ``requeue_after``) is a model at rest.

    ``findings`` is what ``status_of`` turns into conditions; ``events`` are those of commands and of what was put back:
    the rest comes from ``events_of`` two statuses.
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

    ``weight_verified_at`` is when every proxy was first seen to send requests by ``weights``, None before.
    ``stages`` holds SourceResolved, Converted, ParityVerified, RolloutComplete and Serving. ``trouble`` is what keeps
    the model from its target and won't go away by itself; ``waiting`` is what it waits for.
    """

    stages: Mapping[str, Finding] = field(default_factory=dict)
    trouble: Finding | None = None
    waiting: Finding | None = None
    stable: str | None = None
    target: str | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    weight_verified_at: datetime | None = None
    handled_command: str | None = None
    understood: bool = True
