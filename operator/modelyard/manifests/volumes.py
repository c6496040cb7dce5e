"""Volumes and their mounts, as pods name them."""

from __future__ import annotations

from typing import Any

TMP = "/tmp"  # noqa: S108 - an emptyDir of the pod's own
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - as above


def scratch_volume(name: str, size_limit: str | None = None) -> dict[str, Any]:
    """Return a volume on the node's disk that lives as long as the pod."""
    return {"name": name, "emptyDir": {"sizeLimit": size_limit} if size_limit else {}}


def memory_volume(name: str, size_limit: str) -> dict[str, Any]:
    """Return a volume in memory; what is in it counts against the containers' limits."""
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size_limit}}


def config_volume(name: str, config_map: str) -> dict[str, Any]:
    """Return a ConfigMap as a volume."""
    return {"name": name, "configMap": {"name": config_map}}


def config_key_volume(name: str, config_map: str, key: str) -> dict[str, Any]:
    """Return one key of a user's ConfigMap as a volume with one file. It may be gone: whoever reads it says so."""
    return {"name": name, "configMap": {"name": config_map, "items": [{"key": key, "path": key}], "optional": True}}


def docker_config_volume(name: str, secret: str) -> dict[str, Any]:
    """Return a Secret of type kubernetes.io/dockerconfigjson as the ``config.json`` of ``$DOCKER_CONFIG``."""
    items = [{"key": ".dockerconfigjson", "path": "config.json"}]
    # Optional: without it the registry is asked anonymously, and its answer says what is missing.
    return {"name": name, "secret": {"secretName": secret, "items": items, "defaultMode": 0o440, "optional": True}}


def claim_volume(name: str, claim: str) -> dict[str, Any]:
    """Return a claim, read-only."""
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}


def mount(name: str, path: str, *, read_only: bool = False) -> dict[str, Any]:
    """Return a container's mount of a volume."""
    return {"name": name, "mountPath": path} | ({"readOnly": True} if read_only else {})
