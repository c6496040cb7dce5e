"""``metadata`` of everything we make: name, labels, and the controller reference that garbage collection follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.naming import API_VERSION, BUILD_KIND, MODEL_KIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The object that a child belongs to."""

    kind: str
    namespace: str
    name: str
    uid: str


def model_owner(namespace: str, name: str, uid: str) -> Owner:
    """Return an OptimizedModel as an owner."""
    return Owner(kind=MODEL_KIND, namespace=namespace, name=name, uid=uid)


def build_owner(namespace: str, name: str, uid: str) -> Owner:
    """Return a ModelBuild as an owner."""
    return Owner(kind=BUILD_KIND, namespace=namespace, name=name, uid=uid)


def owner_reference(owner: Owner, *, controller: bool) -> dict[str, Any]:
    """Return the ownerReference. Only a controller may write its children; a build has owners that share it."""
    reference: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
    }
    # Nothing here waits for a deletion. Blocking one would need the right to update the owner's finalizers wherever the
    # admission plugin OwnerReferencesPermissionEnforcement is on, and the chart doesn't ask for it.
    return reference | ({"controller": True, "blockOwnerDeletion": False} if controller else {})


def child_metadata(
    owner: Owner, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the metadata of an object that ``owner`` controls."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": owner.namespace,
        "labels": dict(labels),
        "ownerReferences": [owner_reference(owner, controller=True)],
    }
    return metadata | ({"annotations": dict(annotations)} if annotations else {})
