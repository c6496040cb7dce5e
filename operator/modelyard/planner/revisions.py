"""A revision's objects: made once, scaled, retired; and what its pods say of themselves."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from modelyard.api.status import BuildResult
from modelyard.contract.choices import Engine, Precision, Task
from modelyard.manifests.configmap import revision_config
from modelyard.manifests.deployment import revision_deployment
from modelyard.manifests.metadata import Owner
from modelyard.manifests.pdb import revision_budget
from modelyard.manifests.revision import Revision
from modelyard.manifests.service import fallback_service, headless_service
from modelyard.pins import ArtifactPin
from modelyard.planner.no_pod import no_pod, pods_of_revision
from modelyard.planner.pulling import not_pulled
from modelyard.reasons import Reason
from modelyard.snapshot import Snapshot
from modelyard.state.observed import PodView, Rejection, RevisionView
from modelyard.state.plan import Action, Create, Delete, Finding, Restore, Scale, Truth

_TAIL = 300
SAID_BY_THE_SERVER = {
    reason.value: reason for reason in (Reason.GOLDEN_MISMATCH, Reason.INSECURE_SERVER, Reason.SERVER_REFUSED)
}


def revision_of(owner: Owner, snapshot: Snapshot, result: BuildResult, replicas: int) -> Revision:
    """Return a revision as its manifests need it."""
    return Revision(
        owner=owner,
        snapshot=snapshot,
        digest=result.artifact.digest,
        engine=Engine(result.engine),
        precision=Precision(result.precision),
        task=Task(result.task),
        inputs=tuple(result.inputs),
        replicas=replicas,
    )


def made_whole(revision: Revision, view: RevisionView | None) -> list[Action]:
    """Return what is missing of a revision, in the order in which pods need it, and what somebody changed of it.

    What is there stays as it is otherwise.
    """
    whole = [
        revision_config(revision),
        headless_service(revision.owner, revision.name),
        fallback_service(revision.owner, revision.name),
        revision_deployment(revision),
    ]
    if revision.replicas > 1:
        whole.append(revision_budget(revision.owner, revision.name))
    there = view.objects if view else {}
    meddlers = view.meddlers if view else {}
    why = f"revision {revision.name} {'lacks it' if there else 'starts'}"
    actions: list[Action] = []
    for manifest in whole:
        key = (manifest["kind"], manifest["metadata"]["name"])
        if key not in there:
            actions.append(Create(manifest=manifest, why=why))
        elif key in meddlers:
            actions.append(Restore(ref=there[key], manifest=manifest, meddler=meddlers[key]))
    return actions


def scaled(view: RevisionView | None, replicas: int) -> list[Action]:
    """Return the change of the number of pods, and of the budget that only several have."""
    actions: list[Action] = []
    if view is None:
        return actions
    if view.replicas is not None and view.replicas != replicas:
        why = f"serving.replicas is {replicas}"
        actions += [Scale(ref=ref, replicas=replicas, why=why) for ref in view.left("Deployment")]
    if replicas == 1:
        actions += [Delete(ref=ref, why="one pod needs no budget") for ref in view.left("PodDisruptionBudget")]
    return actions


def retired(view: RevisionView, why: str) -> list[Action]:
    """Return deletions of all that is left of a revision, its pods' Deployment first."""
    order = ("Deployment", "Service", "PodDisruptionBudget", "ConfigMap")
    return [Delete(ref=ref, why=why) for kind in order for ref in view.left(kind)]


def obstacle_of(view: RevisionView, promoted: ArtifactPin | None) -> Finding | None:
    """Return what keeps a revision's pods from running, or from being made, and may yet go away.

    promoted: the artifact that it serves, if the user named one.
    """
    pods = [pod for pod in view.pods if not pod.terminating and not pod.ready]
    found = next((found for pod in pods if (found := _in_its_way(pod, promoted))), None)
    if found is None and view.failure:
        found = _finding(*no_pod(pods_of_revision(view.name), view.failure))
    return found


def _in_its_way(pod: PodView, promoted: ArtifactPin | None) -> Finding | None:
    if pod.image_error:
        return _finding(Reason.IMAGE_NOT_PULLABLE, pod.image_error)
    if pod.unschedulable:
        return _finding(Reason.NO_ROOM, pod.unschedulable)
    if pod.cannot_start:
        return _finding(Reason.PODS_NOT_READY, pod.cannot_start)
    if pod.pull_failed:
        return _finding(*not_pulled(pod.name, pod.pull_failed, promoted))
    if pod.out_of_memory:
        fix = "raise serving.resources.limits.memory"
        message = f"{pod.name}: {pod.out_of_memory} was killed for using more memory than its limit; {fix}"
        return _finding(Reason.OUT_OF_MEMORY, message)
    return None


def rejection_of(
    view: RevisionView, promoted: ArtifactPin | None, *, deadline: timedelta, now: datetime
) -> Rejection | None:
    """Return why a candidate is rejected: its server says so, or it is not ready in time.

    A pod that was told to go says nothing of its revision, whatever its last words: another one takes its place.
    """
    pods = [pod for pod in view.pods if not pod.terminating]
    for pod in pods:
        if said := _said(pod):
            reason, message = said
            return Rejection(reason=reason, message=message, at=now.replace(microsecond=0))
    due = due_at(view, deadline=deadline)
    if due is None or now < due:
        return None
    message = f"not ready by {due.isoformat(timespec='seconds')}, rollout.progressDeadline after its pods had a node"
    if obstacle := obstacle_of(view, promoted):
        return Rejection(
            reason=obstacle.reason, message=f"{message}: {obstacle.message}", at=now.replace(microsecond=0)
        )
    last = next((pod.terminated for pod in pods if pod.terminated), "") or ""
    restarts = sum(pod.restarts for pod in pods)
    words = f"; {restarts} restarts{f', last words: {last[-_TAIL:].strip()}' if last else ''}" if restarts else ""
    return Rejection(
        reason=Reason.PROGRESS_DEADLINE_EXCEEDED, message=f"{message}{words}", at=now.replace(microsecond=0)
    )


def due_at(view: RevisionView, *, deadline: timedelta) -> datetime | None:
    """Return when an unready revision is to be ready, None as long as its pods have no node."""
    since = [pod.scheduled_at for pod in view.pods if pod.scheduled_at and not pod.ready and not pod.terminating]
    return min(since) + deadline if since else None


def _said(pod: PodView) -> tuple[Reason, str] | None:
    """Return the server's last words where they are a verdict on the revision."""
    try:
        words = json.loads(pod.terminated or "")
        return SAID_BY_THE_SERVER[words["reason"]], f"{pod.name}: {words['message']}"
    except (ValueError, KeyError, TypeError):
        return None


def _finding(reason: Reason, message: str) -> Finding:
    return Finding(truth=Truth.FALSE, reason=reason, message=message)
