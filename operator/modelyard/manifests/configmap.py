"""ConfigMaps: a revision's config.pbtxt, a proxy's configuration, a build's request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelyard.contract.request import BuildRequest
from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.manifests.revision import Revision
from modelyard.manifests.triton_config import triton_config
from modelyard.naming import (
    PROXY_COMPONENT,
    ROUTES_ANNOTATION,
    TRITON_COMPONENT,
    build_labels,
    canonical_json,
    digest,
    model_labels,
    proxy_name,
    request_name,
)
from modelyard.traffic.envoy_config import ProxyConfig, envoy_files, routes_hash

REQUEST_FILE = "request.json"
TRITON_FILE = "config.pbtxt"


def revision_config(revision: Revision) -> dict[str, Any]:
    """Return how Triton serves the revision. Immutable: pods of one revision are all alike."""
    labels = model_labels(revision.owner.name, TRITON_COMPONENT, revision.name)
    return _config_map(
        child_metadata(revision.owner, revision.object_name, labels),
        {TRITON_FILE: triton_config(revision.triton_model)},
        immutable=True,
    )


def proxy_config(owner: Owner, config: ProxyConfig, *, written_at: datetime, weighed_at: datetime) -> dict[str, Any]:
    """Return what the proxy watches. The annotation says in short what is in it, since when, and its hash.

    ``weighed_at``: since when the weights are these, whatever clusters came and went. ``data``: what the whole of it
    was as written.
    """
    files = envoy_files(config)
    summary = config.routes.to_dict() | {
        "hash": routes_hash(config),
        "data": digest(files),
        "writtenAt": written_at.isoformat(),
        "weighedAt": weighed_at.isoformat(),
    }
    metadata = child_metadata(
        owner,
        proxy_name(owner.name),
        model_labels(owner.name, PROXY_COMPONENT),
        {ROUTES_ANNOTATION: canonical_json(summary)},
    )
    return _config_map(metadata, files, immutable=False)


def request_config(owner: Owner, request: BuildRequest) -> dict[str, Any]:
    """Return what a build is asked for."""
    metadata = child_metadata(owner, request_name(owner.name), build_labels(owner.name))
    return _config_map(metadata, {REQUEST_FILE: request.to_json()}, immutable=True)


def _config_map(metadata: dict[str, Any], data: Mapping[str, str], *, immutable: bool) -> dict[str, Any]:
    config_map: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
    return config_map | ({"immutable": True} if immutable else {})
