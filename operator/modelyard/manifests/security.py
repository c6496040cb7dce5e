"""What every pod of ours is held to: Pod Security Standard ``restricted``, and a read-only root on top."""

from __future__ import annotations

from typing import Any

USER = 65532
"""A user that no image gives rights to; the group of every volume, so that it may write there."""


def pod_security() -> dict[str, Any]:
    """Return a pod's securityContext."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """Return a container's securityContext."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }


def pod_base() -> dict[str, Any]:
    """Return the fields of a pod that its user never chooses: no API token, no Services in the environment."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
    }
