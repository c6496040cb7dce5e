"""Reading a model and its children."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from modelyard.api.model import OptimizedModelSpec
from modelyard.api.status import COMMAND_LIMIT, OptimizedModelStatus
from modelyard.errors import InvalidCommand, SnapshotUnreadable, SpecNotUnderstood
from modelyard.naming import (
    COMMAND_ANNOTATION,
    COMPONENT_LABEL,
    GENERATION_ANNOTATION,
    INPUTS_ANNOTATION,
    PROMOTED_ANNOTATION,
    PROXY_COMPONENT,
    REJECTED_ANNOTATION,
    REVISION_LABEL,
    ROLLED_BACK_ANNOTATION,
    ROUTES_ANNOTATION,
    SERVED_ANNOTATION,
    SPEC_DIGEST_ANNOTATION,
    TRITON_COMPONENT,
    VERIFIED_ANNOTATION,
    digest,
)
from modelyard.reasons import Reason
from modelyard.routes import Routes
from modelyard.snapshot import snapshot_from
from modelyard.state.desired import Command, Defaults, Desired, command_from
from modelyard.state.objects import Manifest, ObjectRef
from modelyard.state.observed import Observed, PodView, ProxyReplica, ProxyView, Record, Rejection, RevisionView
from modelyard.views.builds import build_view
from modelyard.views.events import refused_words
from modelyard.views.meddling import meddler
from modelyard.views.objects import (
    annotations_of,
    condition,
    created_at,
    is_controlled_by,
    is_deleting,
    labels_of,
    time_from,
)
from modelyard.views.pods import pod_view
from modelyard.views.specs import not_understood, status_from

REVISION_KINDS = ("ConfigMap", "Service", "Deployment", "PodDisruptionBudget")
"""A revision's objects, in the order in which they are made."""


def desired_from(model: Manifest, defaults: Defaults) -> Desired:
    """Return an OptimizedModel as the planner wants it."""
    metadata = model["metadata"]
    status = status_from(OptimizedModelStatus, model)
    annotation = annotations_of(model).get(COMMAND_ANNOTATION, "")
    text = named(annotation)
    return Desired(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        spec=_spec(model),
        status=status,
        command=None if text in {"", status.last_handled_command} else _command(annotation),
        command_text=text,
        deleting=is_deleting(model),
        defaults=defaults,
    )


def observed_from(
    model: Manifest,
    children: Iterable[Manifest],
    builds: Iterable[Manifest],
    replicas: Iterable[ProxyReplica],
    now: datetime,
) -> Observed:
    """Return the world of one model.

    children: ControllerRevisions, Deployments, Services, ConfigMaps, PodDisruptionBudgets and Pods with the label
    ``modelyard.dev/model=<name>``; builds: the ModelBuilds that it owns or that its records name; replicas: what the
    pods of ``proxy_pods(children)`` answered. Only what the model controls is looked at.
    """
    uid = model["metadata"]["uid"]
    found = list(children)
    ours = [child for child in found if is_controlled_by(child, uid)]
    pods = [child for child in found if child["kind"] == "Pod"]  # controlled by their ReplicaSet
    try:
        records = [record_from(child) for child in ours if child["kind"] == "ControllerRevision"]
        unreadable = None
    except SnapshotUnreadable as error:
        records, unreadable = [], str(error)
    return Observed(
        now=now,
        unreadable=unreadable,
        records=tuple(sorted(records, key=lambda record: (record.sequence, record.ref.name))),
        builds={build["metadata"]["name"]: build_view(build, uid) for build in builds},
        revisions=_revisions(ours, pods),
        proxy=_proxy(ours, pods, tuple(replicas)),
    )


def proxy_pods(children: Iterable[Manifest]) -> tuple[PodView, ...]:
    """Return the proxy's pods that have an IP and aren't terminating: those to be asked for their routes."""
    pods = (pod_view(child) for child in children if child["kind"] == "Pod" and _component(child) == PROXY_COMPONENT)
    return tuple(pod for pod in pods if pod.ip and not pod.terminating)


def record_from(revision: Manifest) -> Record:
    """Return a ControllerRevision's snapshot and what was said about it. Raises SnapshotUnreadable."""
    annotations = annotations_of(revision)
    rejection = annotations.get(REJECTED_ANNOTATION)
    return Record(
        ref=ObjectRef.of(revision),
        sequence=revision["revision"],
        generation=int(annotations.get(GENERATION_ANNOTATION, "0")),
        spec_digest=annotations.get(SPEC_DIGEST_ANNOTATION, ""),
        snapshot=snapshot_from(revision["data"]),
        promoted=PROMOTED_ANNOTATION in annotations,
        served=SERVED_ANNOTATION in annotations,
        rolled_back_by=annotations.get(ROLLED_BACK_ANNOTATION),
        rejection=_rejection(rejection) if rejection else None,
    )


def _spec(model: Manifest) -> OptimizedModelSpec | SpecNotUnderstood:
    try:
        return OptimizedModelSpec.model_validate(model["spec"])
    except ValidationError as error:
        return not_understood(error, fix="apply the manifest anew")


def named(annotation: str) -> str:
    """Return a command as the status names what is handled: itself, or its digest where it is too long for that."""
    return annotation if len(annotation) <= COMMAND_LIMIT else f"sha256:{digest(annotation)}"


def _command(annotation: str) -> Command | InvalidCommand:
    try:
        return command_from(annotation)
    except InvalidCommand as error:
        return error


def _rejection(text: str) -> Rejection:
    said = json.loads(text)
    return Rejection(reason=Reason(said["reason"]), message=said["message"], at=time_from(said["at"]))


def _component(child: Manifest) -> str | None:
    return labels_of(child).get(COMPONENT_LABEL)


def _revisions(ours: list[Manifest], pods: list[Manifest]) -> Mapping[str, RevisionView]:
    """Return every revision of which anything is left, pods of a deleted one included."""
    objects: dict[str, list[Manifest]] = defaultdict(list)
    running: dict[str, list[PodView]] = defaultdict(list)
    for child in ours:
        if _component(child) == TRITON_COMPONENT and child["kind"] in REVISION_KINDS:
            objects[labels_of(child)[REVISION_LABEL]].append(child)
    for pod in pods:
        if _component(pod) == TRITON_COMPONENT:
            running[labels_of(pod)[REVISION_LABEL]].append(pod_view(pod))
    return {
        name: _revision(name, objects.get(name, []), running.get(name, [])) for name in sorted({*objects, *running})
    }


def _revision(name: str, children: list[Manifest], pods: list[PodView]) -> RevisionView:
    objects = {(child["kind"], child["metadata"]["name"]): child for child in children}
    deployment = next((child for (kind, _), child in objects.items() if kind == "Deployment"), None)
    return RevisionView(
        name=name,
        objects={key: ObjectRef.of(child) for key, child in objects.items()},
        replicas=deployment["spec"]["replicas"] if deployment else None,
        created_at=created_at(deployment) if deployment else None,
        pods=tuple(sorted(pods, key=lambda pod: pod.name)),
        failure=_failure(deployment),
        deleting=frozenset(key for key, child in objects.items() if is_deleting(child)),
        meddlers={key: who for key, child in objects.items() if (who := meddler(child))},
    )


def _failure(deployment: Manifest | None) -> str | None:
    """Return why no further pod of a Deployment can be made, None if one can."""
    failure = condition(deployment, "ReplicaFailure") if deployment else None
    return refused_words(failure["message"]) if failure and failure["status"] == "True" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What the proxy's ConfigMap says of itself."""

    routes: Routes
    hash: str
    written_at: datetime
    weighed_at: datetime
    verified_at: datetime | None


def _written(config_map: Manifest) -> _Written | None:
    """Return what a ConfigMap holds, None where it isn't as we wrote it: then nothing that it says is believed."""
    annotations = annotations_of(config_map)
    try:
        said = json.loads(annotations[ROUTES_ANNOTATION])
        verified = json.loads(annotations.get(VERIFIED_ANNOTATION, "{}"))
        written = _Written(
            routes=Routes(clusters=tuple(said["clusters"]), weights=said["weights"]),
            hash=said["hash"],
            written_at=time_from(said["writtenAt"]),
            weighed_at=time_from(said["weighedAt"]),
            verified_at=time_from(verified["at"]) if verified.get("weighedAt") == said["weighedAt"] else None,
        )
    except (KeyError, TypeError, ValueError):
        return None
    whole = said.get("data", "") in {"", digest(config_map.get("data") or {})}  # earlier versions don't say
    return written if whole and meddler(config_map) is None else None


def _proxy(ours: list[Manifest], pods: list[Manifest], replicas: tuple[ProxyReplica, ...]) -> ProxyView:
    objects = {child["kind"]: child for child in ours if _component(child) == PROXY_COMPONENT}
    deployment, config_map = objects.get("Deployment"), objects.get("ConfigMap")
    written = _written(config_map) if config_map else None
    meddlers = {kind: who for kind, child in objects.items() if (who := meddler(child))}
    if config_map and written is None:
        meddlers.setdefault("ConfigMap", "somebody")
    return ProxyView(
        objects={kind: ObjectRef.of(child) for kind, child in objects.items()},
        routes=written.routes if written else None,
        routes_hash=written.hash if written else None,
        written_at=written.written_at if written else None,
        weighed_at=written.weighed_at if written else None,
        verified_at=written.verified_at if written else None,
        failure=_failure(deployment),
        inputs=annotations_of(deployment).get(INPUTS_ANNOTATION) if deployment else None,
        wanted_replicas=deployment["spec"]["replicas"] if deployment else None,
        pods=tuple(
            sorted((pod_view(pod) for pod in pods if _component(pod) == PROXY_COMPONENT), key=lambda pod: pod.name)
        ),
        replicas=replicas,
        meddlers=meddlers,
    )
