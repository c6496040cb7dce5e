"""Reading a ModelBuild and what its pod is up to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from modelyard.api.base import quantity_bytes
from modelyard.api.build import ModelBuildSpec
from modelyard.api.status import ModelBuildStatus
from modelyard.errors import SpecNotUnderstood
from modelyard.naming import ATTEMPT_LABEL
from modelyard.reasons import Reason
from modelyard.state.build import BuildDesired, BuildObserved, JobView
from modelyard.state.desired import Defaults
from modelyard.state.objects import Manifest, ObjectRef
from modelyard.state.observed import BuildPhase, BuildView
from modelyard.views.objects import (
    condition,
    created_at,
    is_controlled_by,
    is_deleting,
    labels_of,
    owners_of,
)
from modelyard.views.pods import build_pod_view
from modelyard.views.specs import not_understood, status_from


def build_desired_from(build: Manifest, defaults: Defaults, push_config: str | None) -> BuildDesired:
    """Return a ModelBuild as the planner wants it. ``push_config``: text of a Docker config.json, or None."""
    metadata = build["metadata"]
    return BuildDesired(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        ref=ObjectRef.of(build),
        generation=metadata["generation"],
        created_at=created_at(build),
        owners=len(owners_of(build)),
        spec=_spec(build),
        status=status_from(ModelBuildStatus, build),
        deleting=is_deleting(build),
        defaults=defaults,
        push_config=push_config,
    )


def build_observed_from(build: Manifest, children: Iterable[Manifest], now: datetime) -> BuildObserved:
    """Return the world of one build.

    children: ConfigMaps, Secrets, Jobs and Pods with the label ``modelyard.dev/build=<name>``.
    """
    uid = build["metadata"]["uid"]
    found = list(children)
    ours = [child for child in found if is_controlled_by(child, uid)]
    jobs = [child for child in ours if child["kind"] == "Job"]
    # By their Jobs: those of a former build of this name have its labels until they are gone.
    pods = [
        child
        for child in found
        if child["kind"] == "Pod" and any(is_controlled_by(child, job["metadata"]["uid"]) for job in jobs)
    ]
    return BuildObserved(
        now=now,
        jobs=tuple(sorted(map(_job, jobs), key=lambda job: job.attempt)),
        pods=tuple(sorted(map(build_pod_view, pods), key=lambda pod: (pod.created_at, pod.name))),
        objects={
            (child["kind"], child["metadata"]["name"]): ObjectRef.of(child)
            for child in ours
            if child["kind"] in {"ConfigMap", "Secret"}
        },
    )


def build_view(build: Manifest, owner_uid: str) -> BuildView:
    """Return a ModelBuild as the model of ``owner_uid`` sees it."""
    status = status_from(ModelBuildStatus, build)
    spec = _spec(build)
    return BuildView(
        ref=ObjectRef.of(build),
        key=build["spec"]["key"],
        attempt=build["spec"].get("attempt", 1),
        phase=BuildPhase(status.phase) if status.phase in set(BuildPhase) else BuildPhase.PENDING,
        owned=any(owner["uid"] == owner_uid for owner in owners_of(build)),
        shared=any(owner["uid"] != owner_uid for owner in owners_of(build)),
        spec=None if isinstance(spec, SpecNotUnderstood) else spec,
        deleting=is_deleting(build),
        step=status.step,
        reason=Reason(status.reason) if status.reason in set(Reason) else None,
        message=status.message,
        result=status.result,
    )


def _spec(build: Manifest) -> ModelBuildSpec | SpecNotUnderstood:
    try:
        return ModelBuildSpec.model_validate(build["spec"])
    except ValidationError as error:
        return not_understood(error, fix="delete the build, and it is made anew")


def _job(job: Manifest) -> JobView:
    failed = condition(job, "Failed") or condition(job, "FailureTarget") or {}
    complete = condition(job, "Complete") or {}
    has_failed = failed.get("status") == "True"
    return JobView(
        ref=ObjectRef.of(job),
        attempt=int(labels_of(job).get(ATTEMPT_LABEL, "1")),
        memory_limit=_memory_limit(job),
        created_at=created_at(job),
        complete=complete.get("status") == "True",
        failed=failed.get("reason", "") if has_failed else None,
        failed_message=failed.get("message", "") if has_failed else "",
        deleting=is_deleting(job),
    )


def _memory_limit(job: Manifest) -> int | None:
    """Return the memory limit of ``convert`` in bytes, or None where there is none."""
    containers: list[dict[str, Any]] = job["spec"]["template"]["spec"].get("initContainers") or []
    for container in containers:
        if container["name"] == "convert":
            limit = container.get("resources", {}).get("limits", {}).get("memory")
            return None if limit is None else quantity_bytes(limit)
    return None
