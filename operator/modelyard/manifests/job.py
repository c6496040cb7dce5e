"""The Job of a build: fetch, convert beside the server that will run the result, publish.

The steps trust each other little: ``fetch`` has the source's secret and runs no model code, ``convert`` has no secret
at all, ``publish`` has the registry's secret and runs no model code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard.api.base import duration, quantity_bytes
from modelyard.api.build import ModelBuildSpec
from modelyard.api.pod import ResourcesSpec
from modelyard.contract.dataset import DATASET_FOLDER
from modelyard.contract.steps import WAIT_UNTIL, ExitCode
from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.manifests.overlay import env_of, pod_template, resources_of
from modelyard.manifests.reading import Reading, readings
from modelyard.manifests.security import container_security, pod_base
from modelyard.manifests.volumes import (
    SHARED_MEMORY,
    TMP,
    config_key_volume,
    config_volume,
    docker_config_volume,
    memory_volume,
    mount,
    scratch_volume,
)
from modelyard.naming import ATTEMPT_LABEL, build_labels, job_name, push_secret_name, request_name

SCRATCH = "/scratch"
REQUEST = "/etc/modelyard"
PUSH_CONFIG = "/var/run/modelyard/push"

BACKOFF_LIMIT = 2
"""Further pods after one that failed in a way that a retry may help. Evictions and drained nodes don't count."""
PATIENCE = 0.9
"""Share of the Job's time after which a step no longer waits: so that it, not the Job's deadline, says why it ended."""
_REFUSALS = list(range(ExitCode.REFUSED, 128))  # from 128 on an exit code is a signal's
_SMALL = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildJob:
    """One try of a build, from ``starts_at`` on.

    ``attempt`` counts Jobs from 1; ``resources`` are those of ``convert``.
    """

    owner: Owner
    spec: ModelBuildSpec
    attempt: int
    starts_at: datetime
    resources: ResourcesSpec
    pushes_with_secret: bool

    @property
    def name(self) -> str:
        """Return the Job's name."""
        return job_name(self.owner.name, self.attempt)


def job(build: BuildJob) -> dict[str, Any]:
    """Return the Job. It stays until the build goes: its pods tell what happened."""
    labels = build_labels(build.owner.name) | {ATTEMPT_LABEL: str(build.attempt)}
    spec = pod_base() | {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 10,
        "initContainers": [*(_fetch(build, one) for one in readings(build.spec)), _server(build), _convert(build)],
        "containers": [_publish(build)],
        "volumes": _volumes(build),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": child_metadata(build.owner, build.name, labels),
        "spec": {
            "backoffLimit": BACKOFF_LIMIT,
            "activeDeadlineSeconds": int(duration(build.spec.timeout).total_seconds()),
            "podFailurePolicy": {"rules": _failure_rules(build.spec)},
            "template": pod_template(build.spec.pod, labels=labels, annotations={}, spec=spec),
        },
    }


def _failure_rules(spec: ModelBuildSpec) -> list[dict[str, Any]]:
    """Return: a step that refuses ends the Job; a lost node doesn't count as a try."""
    refusals = [
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": name, "operator": "In", "values": _REFUSALS},
        }
        for name in (*(one.container for one in readings(spec)), "convert", "publish")
    ]
    disruption = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return [*refusals, disruption]


def _fetch(build: BuildJob, reading: Reading) -> dict[str, Any]:
    """Return the step that reads the model or an adapter."""
    env, mounts = [_patience(build), *reading.env()], reading.mounts()
    return _step(build, reading.container, *reading.arguments, env=env, mounts=mounts, resources=_SMALL)


def _convert(build: BuildJob) -> dict[str, Any]:
    """Return the step that converts and measures, offline and without any secret."""
    env = env_of(build.spec.pod, {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
    mounts = [mount("dataset", DATASET_FOLDER, read_only=True)] if build.spec.dataset else []
    return _step(build, "convert", env=env, mounts=mounts, resources=resources_of(build.resources))


def _publish(build: BuildJob) -> dict[str, Any]:
    """Return the step that pushes, with the registry's secret where there is one."""
    env = [_patience(build)]
    if not build.pushes_with_secret:
        return _step(build, "publish", env=env, mounts=[], resources=_SMALL)
    env.append({"name": "DOCKER_CONFIG", "value": PUSH_CONFIG})
    mounts = [mount("push", PUSH_CONFIG, read_only=True)]
    return _step(build, "publish", env=env, mounts=mounts, resources=_SMALL)


def _patience(build: BuildJob) -> dict[str, Any]:
    """Return until when a step waits out an outage: what the steps before it took is within it."""
    until = build.starts_at + PATIENCE * duration(build.spec.timeout)
    return {"name": WAIT_UNTIL, "value": until.isoformat(timespec="seconds")}


def _server(build: BuildJob) -> dict[str, Any]:
    """Return the serving image beside ``convert``: what is proven is what serves. It listens on loopback alone.

    It takes turns with ``convert``, so it has the same limits and asks for little of its own.
    """
    resources = resources_of(build.resources)
    limits = resources.get("limits", {})
    asks = "128Mi"
    requests = {"cpu": "100m", "memory": min(asks, limits.get("memory", asks), key=quantity_bytes)}
    return {
        "name": "server",
        "image": build.spec.images.triton,
        "imagePullPolicy": "IfNotPresent",
        "restartPolicy": "Always",
        "command": ["modelyard-server", f"--repository={SCRATCH}/serve", "--explicit", "--address=127.0.0.1"],
        "resources": {"requests": requests} | ({"limits": limits} if limits else {}),
        "securityContext": container_security(),
        "volumeMounts": [
            mount("scratch", SCRATCH),
            mount("server-tmp", TMP),
            mount("shm", SHARED_MEMORY),
        ],
    }


def _step(
    build: BuildJob,
    name: str,
    *arguments: str,
    env: list[dict[str, Any]],
    mounts: list[dict[str, Any]],
    resources: dict[str, Any],
) -> dict[str, Any]:
    """Return one step of the runtime image. Every step has the request and the scratch disk."""
    shared = [mount("request", REQUEST, read_only=True), mount("scratch", SCRATCH), mount("tmp", TMP)]
    return {
        "name": name,
        "image": build.spec.images.runtime,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "modelyard_runtime", *(arguments or (name,))],
        "env": env,
        "resources": resources,
        "securityContext": container_security(),
        "terminationMessagePolicy": "File",
        "volumeMounts": shared + mounts,
    }


def _volumes(build: BuildJob) -> list[dict[str, Any]]:
    volumes = [
        config_volume("request", request_name(build.owner.name)),
        scratch_volume("scratch", str(build.spec.scratch)),
        scratch_volume("tmp", str(build.spec.scratch)),
        scratch_volume("server-tmp", "1Gi"),
        memory_volume("shm", "256Mi"),
    ]
    volumes += [volume for one in readings(build.spec) for volume in one.volumes()]
    if build.spec.dataset:
        where = build.spec.dataset.config_map_ref
        volumes.append(config_key_volume("dataset", where.name, where.key))
    if build.pushes_with_secret:
        volumes.append(docker_config_volume("push", push_secret_name(build.owner.name)))
    return volumes
