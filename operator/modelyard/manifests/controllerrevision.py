"""ControllerRevisions: what a generation was resolved to.

Data never changes, and is never sent again: a later version of the operator may write the same snapshot otherwise.
What is said about it is its number (``revision``) and annotations, which a patch changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelyard.manifests.metadata import Owner, child_metadata
from modelyard.naming import (
    GENERATION_ANNOTATION,
    PROMOTED_ANNOTATION,
    REJECTED_ANNOTATION,
    REVISION_LABEL,
    ROLLED_BACK_ANNOTATION,
    SERVED_ANNOTATION,
    SPEC_DIGEST_ANNOTATION,
    canonical_json,
    model_labels,
    record_name,
)
from modelyard.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said about a snapshot. ``sequence``: the highest is the current one; ``rejection``: JSON or None.

    ``promoted``: a missed gate doesn't hold it. ``served``: it has had all of the traffic. ``rolled_back_by``: the
    command that made it current although the spec asks for something else.
    """

    sequence: int
    generation: int
    spec_digest: str
    promoted: bool = False
    served: bool = False
    rejection: dict[str, str] | None = None
    rolled_back_by: str | None = None


def record_manifest(owner: Owner, snapshot: Snapshot, said: Said) -> dict[str, Any]:
    """Return the ControllerRevision."""
    annotations = {key: value for key, value in _annotations(said).items() if value is not None}
    labels = model_labels(owner.name) | {REVISION_LABEL: snapshot.revision}
    name = record_name(owner.name, snapshot.digest)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": child_metadata(owner, name, labels, annotations),
        "revision": said.sequence,
        "data": snapshot.to_dict(),
    }


def record_patch(said: Said) -> dict[str, Any]:
    """Return the merge patch after which a record says exactly this."""
    return {"metadata": {"annotations": _annotations(said)}, "revision": said.sequence}


def _annotations(said: Said) -> dict[str, str | None]:
    return {
        GENERATION_ANNOTATION: str(said.generation),
        SPEC_DIGEST_ANNOTATION: said.spec_digest,
        PROMOTED_ANNOTATION: "true" if said.promoted else None,
        SERVED_ANNOTATION: "true" if said.served else None,
        REJECTED_ANNOTATION: canonical_json(said.rejection) if said.rejection is not None else None,
        ROLLED_BACK_ANNOTATION: said.rolled_back_by,
    }
