"""PodDisruptionBudgets: a drained node takes one pod at a time."""

from __future__ import annotations

from typing import Any

from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.naming import (
    PROXY_COMPONENT,
    TRITON_COMPONENT,
    model_labels,
    model_selector,
    proxy_name,
    revision_object_name,
)


def revision_budget(owner: Owner, revision: str) -> dict[str, Any]:
    """Return the budget of a revision's pods; made above one replica."""
    name = revision_object_name(owner.name, revision)
    return _budget(owner, name, component=TRITON_COMPONENT, revision=revision)


def proxy_budget(owner: Owner) -> dict[str, Any]:
    """Return the budget of the proxy's pods; made above one replica."""
    return _budget(owner, proxy_name(owner.name), component=PROXY_COMPONENT, revision=None)


def _budget(owner: Owner, name: str, *, component: str, revision: str | None) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": child_metadata(owner, name, model_labels(owner.name, component, revision)),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": model_selector(owner.name, component, revision)},
            # A pod that never became ready must not keep a node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
