"""Reading any object: where it is, whose it is, when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelyard.state.objects import Manifest


def labels_of(manifest: Manifest) -> Mapping[str, str]:
    """Return an object's labels."""
    return manifest["metadata"].get("labels") or {}


def annotations_of(manifest: Manifest) -> Mapping[str, str]:
    """Return an object's annotations."""
    return manifest["metadata"].get("annotations") or {}


def is_controlled_by(manifest: Manifest, uid: str) -> bool:
    """Return whether the object's controller is the owner of ``uid``."""
    return any(owner.get("controller") and owner["uid"] == uid for owner in owners_of(manifest))


def owners_of(manifest: Manifest) -> list[dict[str, Any]]:
    """Return an object's owner references."""
    return manifest["metadata"].get("ownerReferences") or []


def is_deleting(manifest: Manifest) -> bool:
    """Return whether the object is on its way out."""
    return "deletionTimestamp" in manifest["metadata"]


def created_at(manifest: Manifest) -> datetime:
    """Return when the object was made."""
    return time_from(manifest["metadata"]["creationTimestamp"])


def time_from(text: str) -> datetime:
    """Return an RFC 3339 time."""
    return datetime.fromisoformat(text)


def condition(manifest: Manifest, kind: str) -> dict[str, Any] | None:
    """Return the object's condition of a type, or None."""
    conditions = manifest.get("status", {}).get("conditions") or []
    return next((found for found in conditions if found["type"] == kind), None)
