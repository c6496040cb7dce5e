"""Small real objects, for the API server to validate."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]


def config_map(namespace: str, name: str = "thing", data: dict[str, str] | None = None, **metadata: object) -> Manifest:
    """Return a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "data": data or {},
    }


def model(namespace: str, name: str = "minilm", **spec: object) -> Manifest:
    """Return an OptimizedModel."""
    source = {"huggingFace": {"repo": "org/name", "revision": "0" * 40}}
    return {
        "apiVersion": "modelyard.dev/v1alpha1",
        "kind": "OptimizedModel",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": source, **spec},
    }


def deployment(namespace: str, name: str = "thing", replicas: int = 1, **metadata: object) -> Manifest:
    """Return a Deployment of one container that nobody will run."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "none:1", "env": [{"name": "A", "value": "1"}]}]},
            },
        },
    }


def service(namespace: str, name: str = "thing") -> Manifest:
    """Return a Service of two ports."""
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}, {"name": "grpc", "port": 81}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def budget(namespace: str, name: str = "thing") -> Manifest:
    """Return a PodDisruptionBudget."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": name}}},
    }


def pod(namespace: str, name: str = "thing", **metadata: object) -> Manifest:
    """Return a pod that nobody will run."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"containers": [{"name": "main", "image": "none:1"}]},
    }


def owner(manifest: Manifest, *, controller: bool = False) -> Manifest:
    """Return the reference of a child to ``manifest``, an object as the API server gave it."""
    reference = {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "name": manifest["metadata"]["name"],
        "uid": manifest["metadata"]["uid"],
    }
    return reference | ({"controller": True} if controller else {})
