"""The Secret with which a build pushes; it goes when the build is over."""

from __future__ import annotations

from typing import Any

from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.naming import build_labels, push_secret_name


def push_secret(owner: Owner, config_json: str) -> dict[str, Any]:
    """Return the Secret. ``config_json`` is the text of a Docker ``config.json``."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": child_metadata(owner, push_secret_name(owner.name), build_labels(owner.name)),
        "type": "kubernetes.io/dockerconfigjson",
        "immutable": True,
        "stringData": {".dockerconfigjson": config_json},
    }
