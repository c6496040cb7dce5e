"""The Deployment of a model's proxy, Envoy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelyard.api.base import quantity_bytes
from modelyard.api.pod import PodOverlay, ResourcesSpec
from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.manifests.overlay import pod_template, resources_of
from modelyard.manifests.probes import exec_before_stop, http_probe
from modelyard.manifests.security import container_security, pod_base
from modelyard.manifests.service import GRPC_PORT, HTTP_PORT
from modelyard.manifests.spread import spread_over_nodes
from modelyard.manifests.volumes import TMP, config_volume, mount, scratch_volume
from modelyard.naming import (
    INPUTS_ANNOTATION,
    PROXY_COMPONENT,
    canonical_json,
    digest,
    model_labels,
    model_selector,
    proxy_name,
)
from modelyard.traffic.envoy_config import ADMIN_PORT, BOOTSTRAP_FILE, CONFIG_FOLDER, CONFIG_PATH
from modelyard.traffic.overload import memory_limit

DRAIN_SECONDS = 15
"""Until clients and Services know that this proxy goes: endpoints first, then their connections."""
ANSWER_SECONDS = 20
"""What requests under way get after that, those too that wait for a server.

Shorter than a revision's way out (its delay, then its drain): this proxy may not have heard of another one.
"""
STOP_SECONDS = 5


def drain_script(admin_port: int, drain_seconds: int, answer_seconds: int) -> str:
    """Return what runs before SIGTERM, on which Envoy drops everything. The image has bash and no HTTP client.

    Connections are asked to close while new ones still come in; then requests under way are waited for.
    """
    return rf"""
admin() {{
  exec 3<>/dev/tcp/127.0.0.1/{admin_port}
  printf '%s HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' "$1" >&3
  cat <&3
  exec 3>&-
}}
admin 'POST /drain_listeners?graceful&skip_exit'
sleep {drain_seconds}
for ((second = 0; second < {answer_seconds}; second++)); do
  [[ $(admin 'GET /stats?filter=http.(http|grpc).downstream_rq_active') == *rq_active:\ [1-9]* ]] || exit 0
  sleep 1
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyInputs:
    """What a proxy's Deployment is made from, replicas apart."""

    image: str
    resources: ResourcesSpec

    @property
    def digest(self) -> str:
        """Return what tells whether the Deployment must be applied again.

        Over the inputs, not over the manifest: an upgrade of the operator that writes it differently restarts no proxy.
        """
        return digest({"image": self.image, "resources": self.resources.to_dict()})[:16]


def proxy_deployment(owner: Owner, inputs: ProxyInputs, replicas: int) -> dict[str, Any]:
    """Return the Deployment of the proxy."""
    labels = model_labels(owner.name, PROXY_COMPONENT)
    selector = model_selector(owner.name, PROXY_COMPONENT)
    spec = pod_base() | {
        "terminationGracePeriodSeconds": DRAIN_SECONDS + ANSWER_SECONDS + STOP_SECONDS,
        "containers": [_envoy(inputs)],
        "volumes": [config_volume("config", proxy_name(owner.name)), scratch_volume("tmp", "64Mi")],
        "topologySpreadConstraints": spread_over_nodes(selector),
    }
    annotations = {INPUTS_ANNOTATION: inputs.digest}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": child_metadata(owner, proxy_name(owner.name), labels, annotations),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 1,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": selector},
            "template": pod_template(PodOverlay(), labels=labels, annotations={}, spec=spec),
        },
    }


def _envoy(inputs: ProxyInputs) -> dict[str, Any]:
    # Envoy takes an option and its value as two words only.
    options = {
        "config-path": f"{CONFIG_FOLDER}/{BOOTSTRAP_FILE}",
        "concurrency": "2",
        "drain-time-s": str(DRAIN_SECONDS - 1),
        "drain-strategy": "immediate",
        "log-level": "warn",
    }
    if memory := inputs.resources.limits.get("memory"):
        overload = {"overload_manager": memory_limit(quantity_bytes(memory))}
        options["config-yaml"] = canonical_json(overload)  # on top of the file
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return {
        "name": "envoy",
        "image": inputs.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["envoy", "--disable-hot-restart", *words],
        "ports": [{"name": "http", "containerPort": HTTP_PORT}, {"name": "grpc", "containerPort": GRPC_PORT}],
        "resources": resources_of(inputs.resources),
        "securityContext": container_security(),
        "readinessProbe": http_probe(CONFIG_PATH, "http", period=5, timeout=5, failures=3),
        "lifecycle": exec_before_stop(["bash", "-c", drain_script(ADMIN_PORT, DRAIN_SECONDS, ANSWER_SECONDS)]),
        "volumeMounts": [mount("config", CONFIG_FOLDER, read_only=True), mount("tmp", TMP)],
    }
