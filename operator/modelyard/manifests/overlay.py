"""The user's word on pods: listed fields first, ours on top, so that none of them loosens security."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.api.pod import PodOverlay, ResourcesSpec


def pod_template(
    overlay: PodOverlay,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    spec: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a pod template: ``overlay`` below, ``labels``, ``annotations`` and ``spec`` above."""
    theirs = overlay.to_dict()
    fields = {key: value for key, value in theirs.items() if key not in {"labels", "annotations", "env"} and value}
    metadata: dict[str, Any] = {"labels": overlay.labels | dict(labels)}
    if merged := overlay.annotations | dict(annotations):
        metadata["annotations"] = merged
    return {"metadata": metadata, "spec": fields | dict(spec)}


def env_of(overlay: PodOverlay, ours: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a container's environment, sorted by name, ours winning."""
    variables = {variable.name: variable.value for variable in overlay.env} | dict(ours)
    return [{"name": name, "value": value} for name, value in sorted(variables.items())]


def resources_of(resources: ResourcesSpec) -> dict[str, Any]:
    """Return a container's resources, quantities as strings."""
    named = {"requests": resources.requests, "limits": resources.limits}
    return {name: {key: str(value) for key, value in values.items()} for name, values in named.items() if values}


def merged_resources(theirs: ResourcesSpec, ours: ResourcesSpec) -> ResourcesSpec:
    """Return ``theirs`` with ``ours`` where they say nothing.

    A default request never exceeds the user's limit: where there is a limit of one's own and no request, Kubernetes
    takes the limit as the request.
    """
    requests = {key: value for key, value in ours.requests.items() if key not in theirs.limits} | theirs.requests
    limits = {key: value for key, value in ours.limits.items() if key not in theirs.requests} | theirs.limits
    return ResourcesSpec(requests=requests, limits=limits)
