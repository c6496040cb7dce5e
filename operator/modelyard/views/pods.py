"""Reading pods: ready or not, and what is in the way."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from modelyard.contract.steps import Step, Termination, step_of
from modelyard.naming import ATTEMPT_LABEL, PULL_CONTAINER
from modelyard.reasons import Reason
from modelyard.state.build import BuildPodView, ContainerEnd
from modelyard.state.objects import Manifest, ObjectRef
from modelyard.state.observed import PodView
from modelyard.views.objects import (
    annotations_of,
    condition,
    created_at,
    is_deleting,
    labels_of,
    time_from,
)

_IMAGE_REASONS = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
_START_REASONS = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_NEVER_RAN = {"StartError", "ContainerCannotRun"}
_OVER = {"Succeeded", "Failed"}


def pod_view(pod: Manifest) -> PodView:
    """Return a serving pod or a proxy. The last words are those of any container that has some, the last first."""
    ready, scheduled = condition(pod, "Ready"), condition(pod, "PodScheduled")
    statuses = _statuses(pod)
    over = pod.get("status", {}).get("phase") in _OVER  # evicted: replaced, and no longer of the revision
    return PodView(
        name=pod["metadata"]["name"],
        ip=pod.get("status", {}).get("podIP"),
        ready=ready is not None and ready["status"] == "True",
        terminating=is_deleting(pod) or over,
        scheduled_at=_scheduled_at(scheduled),
        unschedulable=_unschedulable(scheduled),
        image_error=_waiting(statuses, _IMAGE_REASONS),
        cannot_start=_waiting(statuses, _START_REASONS) or _never_ran(statuses),
        terminated=next((end.message for end in reversed(_ends(statuses)) if end.message), None),
        pull_failed=_pull_failed(_ends(statuses)),
        out_of_memory=next((end.name for end in _ends(statuses) if end.oom), None),
        restarts=sum(status.get("restartCount", 0) for status in statuses),
        ref=ObjectRef.of(pod),
        annotations=annotations_of(pod),
    )


def build_pod_view(pod: Manifest) -> BuildPodView:
    """Return a pod of a build's Job."""
    statuses, status = _statuses(pod), pod.get("status", {})
    return BuildPodView(
        name=pod["metadata"]["name"],
        attempt=int(labels_of(pod).get(ATTEMPT_LABEL, "1")),
        created_at=created_at(pod),
        step=_running_step(statuses),
        ends=tuple(_ends(statuses)),
        unschedulable=_unschedulable(condition(pod, "PodScheduled")),
        image_error=_waiting(statuses, _IMAGE_REASONS),
        cannot_start=_waiting(statuses, _START_REASONS) or _never_ran(statuses),
        failed=status.get("phase") == "Failed",
        evicted=status.get("message", "") if status.get("reason") == "Evicted" else None,
    )


def _statuses(pod: Manifest) -> list[dict[str, Any]]:
    """Return the states of all containers, init containers first."""
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _scheduled_at(scheduled: dict[str, Any] | None) -> datetime | None:
    if scheduled is None or scheduled["status"] != "True":
        return None
    return time_from(scheduled["lastTransitionTime"])


def _unschedulable(scheduled: dict[str, Any] | None) -> str | None:
    if scheduled is None or scheduled["status"] == "True" or scheduled.get("reason") != "Unschedulable":
        return None
    return str(scheduled.get("message", "no node fits"))


def _waiting(statuses: list[dict[str, Any]], reasons: set[str]) -> str | None:
    """Return what a container waits for, if it is for one of ``reasons``, naming the image."""
    for status in statuses:
        waiting = status.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in reasons:
            return f"{status['name']} ({status['image']}): {waiting.get('message') or waiting['reason']}"
    return None


def _never_ran(statuses: list[dict[str, Any]]) -> str | None:
    """Return why the runtime could not start a container that waits to be tried again, naming the image."""
    for status in statuses:
        end = status.get("lastState", {}).get("terminated") or {}
        if "waiting" in status.get("state", {}) and end.get("reason") in _NEVER_RAN:
            return f"{status['name']} ({status['image']}): {end.get('message') or end['reason']}"
    return None


def _says_out_of_memory(message: str) -> bool:
    """Return whether a server says that the kernel killed a process beside its first, which nobody else tells."""
    try:
        words = json.loads(message)
    except ValueError:
        return False
    return isinstance(words, dict) and words.get("reason") == Reason.OUT_OF_MEMORY


def _ends(statuses: list[dict[str, Any]]) -> list[ContainerEnd]:
    """Return how containers ended, the present end or else the one before the restart."""
    ends = []
    for status in statuses:
        end = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")
        if end:
            message = end.get("message") or ""
            termination = _termination(message)
            says_so = termination is None and _says_out_of_memory(message)
            ends.append(
                ContainerEnd(
                    name=status["name"],
                    exit_code=end["exitCode"],
                    oom=end.get("reason") == "OOMKilled" or says_so,
                    message=message,
                    termination=termination,
                )
            )
    return ends


def _pull_failed(ends: list[ContainerEnd]) -> str | None:
    """Return the puller's words where its last try failed, or its exit code: earlier versions left no words."""
    end = next((end for end in ends if end.name == PULL_CONTAINER and end.exit_code), None)
    return None if end is None else end.message or f"exit code {end.exit_code}"


def _termination(message: str) -> Termination | None:
    """Return a step's last words. Anything else (a traceback, nothing) is not ours and stays text."""
    try:
        return Termination.model_validate_json(message)
    except ValueError:
        return None


def _running_step(statuses: list[dict[str, Any]]) -> Step | None:
    running = {step_of(s["name"]) for s in statuses if "running" in s.get("state", {})}
    return next((step for step in Step if step in running), None)
