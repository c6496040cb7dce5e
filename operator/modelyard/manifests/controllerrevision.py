"""ControllerRevisions: what a generation was resolved to. Data never changes; what is said about it is annotations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.naming import (
    GENERATION_ANNOTATION,
    PROMOTED_ANNOTATION,
    REJECTED_ANNOTATION,
    REVISION_LABEL,
    SPEC_DIGEST_ANNOTATION,
    canonical_json,
    model_labels,
    record_name,
)
from modelyard.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said about a snapshot. ``sequence``: the highest is the current one; ``rejection``: JSON or None."""

    sequence: int
    generation: int
    spec_digest: str
    promoted: bool = False
    rejection: dict[str, str] | None = None
    precondition: dict[str, str] = field(default_factory=dict)  # uid and resourceVersion, where it exists


def record_manifest(owner: Owner, snapshot: Snapshot, said: Said) -> dict[str, Any]:
    """Return the ControllerRevision."""
    annotations = {GENERATION_ANNOTATION: str(said.generation), SPEC_DIGEST_ANNOTATION: said.spec_digest}
    if said.promoted:
        annotations[PROMOTED_ANNOTATION] = "true"
    if said.rejection is not None:
        annotations[REJECTED_ANNOTATION] = canonical_json(said.rejection)
    labels = model_labels(owner.name) | {REVISION_LABEL: snapshot.revision}
    name = record_name(owner.name, snapshot.digest)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": child_metadata(owner, name, labels, annotations) | said.precondition,
        "revision": said.sequence,
        "data": snapshot.to_dict(),
    }
