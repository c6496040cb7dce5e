"""A revision's Deployment. Written once: afterwards only its scale changes, through the scale subresource."""

from __future__ import annotations

from typing import Any

from modelyard.manifests.metadata import child_metadata
from modelyard.manifests.overlay import env_of, pod_template, resources_of
from modelyard.manifests.probes import http_probe
from modelyard.manifests.revision import Revision
from modelyard.manifests.security import container_security, pod_base
from modelyard.manifests.service import GRPC_PORT, HTTP_PORT, METRICS_PORT
from modelyard.manifests.spread import spread_over_nodes
from modelyard.manifests.volumes import (
    SHARED_MEMORY,
    TMP,
    config_volume,
    docker_config_volume,
    memory_volume,
    mount,
    scratch_volume,
)
from modelyard.naming import ARTIFACT_ANNOTATION, PULL_CONTAINER, TRITON_COMPONENT, model_labels, model_selector
from modelyard.traffic.paths import HEALTH_PORT, server_serving_path

MODELS = "/models"
CONFIG = "/etc/modelyard"
DOCKER_CONFIG = "/var/run/modelyard/pull"

LEAVE_SECONDS = 10
"""How long a drained server answers on while Services forget it: the kubelet asks, the API server tells, nodes act."""
STOP_SECONDS = 20
"""What requests under way get then, before the server is killed."""
KILL_SECONDS = 5
"""What killing takes, before the kubelet kills the rest."""
START_SECONDS = 1800
"""How long loading may take before the server gives up, and the kubelet starts it anew."""
PROVE_SECONDS = 300
"""What the answers to golden samples may take after that."""

_PULL_RESOURCES = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}


def revision_deployment(revision: Revision) -> dict[str, Any]:
    """Return the Deployment of a revision's servers."""
    owner, serving = revision.owner, revision.snapshot.serving
    labels = model_labels(owner.name, TRITON_COMPONENT, revision.name)
    selector = model_selector(owner.name, TRITON_COMPONENT, revision.name)
    annotations = {ARTIFACT_ANNOTATION: revision.artifact}
    spec = pod_base() | {
        "terminationGracePeriodSeconds": serving.drain_seconds + LEAVE_SECONDS + STOP_SECONDS + KILL_SECONDS,
        "initContainers": [_pull(revision)],
        "containers": [_triton(revision)],
        "volumes": _volumes(revision),
    }
    if not serving.pod.topology_spread_constraints:
        spec["topologySpreadConstraints"] = spread_over_nodes(selector)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": child_metadata(owner, revision.object_name, labels, annotations),
        "spec": {
            "replicas": revision.replicas,
            "revisionHistoryLimit": 0,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": selector},
            "template": pod_template(serving.pod, labels=labels, annotations=annotations, spec=spec),
        },
    }


def _pull(revision: Revision) -> dict[str, Any]:
    """Return the init container that fetches the artifact by digest and puts config.pbtxt beside it."""
    serving = revision.snapshot.serving
    command = [
        "modelyard",
        "pull",
        revision.artifact,
        f"{MODELS}/{serving.model_name}",
        f"--config={CONFIG}/config.pbtxt",
    ]
    container: dict[str, Any] = {
        "name": PULL_CONTAINER,
        "image": serving.operator_image,
        "imagePullPolicy": "IfNotPresent",
        "command": command + (["--plain-http"] if revision.plain_http else []),
        "resources": _PULL_RESOURCES,
        "securityContext": container_security(),
        "volumeMounts": [mount("models", MODELS), mount("config", CONFIG, read_only=True), mount("tmp", TMP)],
    }
    if revision.pull_secret:
        container["env"] = [{"name": "DOCKER_CONFIG", "value": DOCKER_CONFIG}]
        container["volumeMounts"].append(mount("pull", DOCKER_CONFIG, read_only=True))
    return container


def _triton(revision: Revision) -> dict[str, Any]:
    """Return the server. It is Ready once every golden sample is answered as proven, and not before.

    After SIGTERM it answers on until its routes are gone: Triton itself unloads its models at once, while requests
    arrive.
    """
    serving = revision.snapshot.serving
    serving_path = server_serving_path(revision.name)
    seconds = {
        "start": START_SECONDS,
        "drain": serving.drain_seconds,
        "leave": LEAVE_SECONDS,
        "stop": STOP_SECONDS,
    }
    return {
        "name": "triton",
        "image": serving.triton_image,
        "imagePullPolicy": "IfNotPresent",
        "command": [
            "modelyard-server",
            f"--repository={MODELS}",
            f"--revision={revision.name}",
            f"--health-port={HEALTH_PORT}",
            *(f"--{what}-seconds={long}" for what, long in seconds.items()),
            *(["--allow-insecure"] if serving.allow_insecure_server else []),
        ],
        "env": env_of(serving.pod, {}),
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT},
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "metrics", "containerPort": METRICS_PORT},
            {"name": "health", "containerPort": HEALTH_PORT},
        ],
        "resources": resources_of(serving.resources),
        "securityContext": container_security(),
        "startupProbe": http_probe(serving_path, "health", period=1, timeout=5, failures=START_SECONDS + PROVE_SECONDS),
        # Twice within LEAVE_SECONDS. It asks whether requests are answered, so that Services keep a pod that drains
        # where there is no other.
        "readinessProbe": http_probe(serving_path, "health", period=2, timeout=5, failures=2),
        "livenessProbe": http_probe("/v2/health/live", "http", period=10, timeout=10, failures=6),
        "volumeMounts": [
            mount("models", MODELS, read_only=True),
            mount("tmp", TMP),
            mount("shm", SHARED_MEMORY),
        ],
    }


def _volumes(revision: Revision) -> list[dict[str, Any]]:
    volumes = [
        scratch_volume("models"),
        config_volume("config", revision.object_name),
        scratch_volume("tmp", "1Gi"),
        memory_volume("shm", "256Mi"),
    ]
    if secret := revision.pull_secret:
        volumes.append(docker_config_volume("pull", secret))
    return volumes
