"""Services: the public one in front of the model's proxy, and two for each revision, which only the proxy asks."""

from __future__ import annotations

from typing import Any

from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.naming import (
    PROXY_COMPONENT,
    TRITON_COMPONENT,
    model_labels,
    model_selector,
    revision_fallback_name,
    revision_object_name,
    service_name,
)

HTTP_PORT = 8000
GRPC_PORT = 8001
METRICS_PORT = 8002

_PORTS = [
    {"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"},
    {"name": "grpc", "port": GRPC_PORT, "targetPort": "grpc", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
]


def public_service(owner: Owner) -> dict[str, Any]:
    """Return the Service of the model's own name. It always points at the proxy: a roll-out never changes it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": child_metadata(owner, service_name(owner.name), model_labels(owner.name, PROXY_COMPONENT)),
        "spec": {
            "type": "ClusterIP",
            "selector": model_selector(owner.name, PROXY_COMPONENT),
            "ports": [dict(port) for port in _PORTS],
        },
    }


def headless_service(owner: Owner, revision: str) -> dict[str, Any]:
    """Return the Service through which the proxy finds a revision's pods. Who of them is ready it asks them itself.

    Those not ready yet are named too: an answer of DNS may be half a minute old, so who is named late serves late.
    """
    all_pods = {"clusterIP": "None", "publishNotReadyAddresses": True}
    return _service_of_revision(owner, revision, revision_object_name(owner.name, revision), all_pods)


def fallback_service(owner: Owner, revision: str) -> dict[str, Any]:
    """Return the Service that answers for a revision while none of its pods is ready.

    It has an address of its own: connections are refused while there is nobody, kube-proxy turns to pods that are
    stopping and still answer when there is nobody else, and a new pod is reached as soon as it is ready.
    """
    return _service_of_revision(owner, revision, revision_fallback_name(owner.name, revision), {})


def _service_of_revision(owner: Owner, revision: str, name: str, kind_of_address: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": child_metadata(owner, name, model_labels(owner.name, TRITON_COMPONENT, revision)),
        "spec": {
            "type": "ClusterIP",
            **kind_of_address,
            "selector": model_selector(owner.name, TRITON_COMPONENT, revision),
            "ports": [dict(port) for port in _PORTS],
        },
    }
