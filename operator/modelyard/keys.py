"""What a pass is for, and which passes a change of an object calls for. Pure.

A change of status wakes nobody where it is our own writing (a model's, a build's own key): a pass that wrote one
would cause the next. What somebody else wrote there is no truth, and calls for a pass that writes it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from modelyard.naming import BUILD_KIND, BUILD_LABEL, FIELD_MANAGER, GROUP, MODEL_KIND, MODEL_LABEL

Body: TypeAlias = Mapping[str, Any]


class Key(NamedTuple):
    """A model or a build."""

    kind: str
    namespace: str
    name: str


def wish(body: Body) -> object:
    """Return what of a model or a build is not our own writing: equal values call for no pass of its key."""
    metadata = body["metadata"]
    annotations = metadata.get("annotations") or {}
    ours = sorted((name, text) for name, text in annotations.items() if name.startswith(f"{GROUP}/"))
    owners = sorted(owner["uid"] for owner in metadata.get("ownerReferences") or [])  # a build without any goes
    return metadata["uid"], metadata.get("generation"), ours, owners, metadata.get("deletionTimestamp"), _forged(body)


def told(body: Body) -> bool:
    """Return whether there is a status: one that is gone was taken away by somebody."""
    return bool(body.get("status"))


def _forged(body: Body) -> object:
    """Return the status where somebody else wrote a field of it."""
    writers = [entry for entry in body["metadata"].get("managedFields") or [] if entry.get("subresource") == "status"]
    return body.get("status") if any(entry.get("manager") != FIELD_MANAGER for entry in writers) else None


def outcome(body: Body) -> object:
    """Return what of a build its models wait for."""
    metadata = body["metadata"]
    owners = sorted(owner["uid"] for owner in metadata.get("ownerReferences") or [])
    return metadata["uid"], body.get("status"), owners, metadata.get("deletionTimestamp")


def owners_of_build(body: Body) -> list[Key]:
    """Return the models that need this build."""
    metadata = body["metadata"]
    owners = metadata.get("ownerReferences") or []
    return [Key(MODEL_KIND, metadata["namespace"], owner["name"]) for owner in owners if owner["kind"] == MODEL_KIND]


def owner_of_child(body: Body) -> Key | None:
    """Return whose child this is, by our labels; None if it says of nobody."""
    metadata = body["metadata"]
    labels = metadata.get("labels") or {}
    if MODEL_LABEL in labels:
        return Key(MODEL_KIND, metadata["namespace"], labels[MODEL_LABEL])
    if BUILD_LABEL in labels:
        return Key(BUILD_KIND, metadata["namespace"], labels[BUILD_LABEL])
    return None
