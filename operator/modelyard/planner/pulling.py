"""Why a server's pod can't have its artifact, and what mends that: where we built it, and where the user named it."""

from __future__ import annotations

import json

from modelyard.naming import PULL_CONTAINER
from modelyard.pins import ArtifactPin
from modelyard.reasons import Reason

BUILT_HERE = {
    Reason.DIGEST_MISMATCH: "delete the artifact from the registry, and command `retry <revision> <nonce>`",
    Reason.REGISTRY_UNAUTHORIZED: "correct the Secret here that registry.external.pullSecret of the chart names",
}
"""What to do where the reason's own advice is too general."""
NAMED = {
    Reason.ARTIFACT_GONE: "push it there again, or name another in spec.source.artifact.ref",
    Reason.DIGEST_MISMATCH: "push it again, or name another in spec.source.artifact.ref",
    Reason.REGISTRY_UNREACHABLE: "nodes and pods need a way to the registry of spec.source.artifact.ref",
    Reason.REGISTRY_UNAUTHORIZED: "correct the Secret that spec.source.artifact.pullSecretRef names",
}
"""The same for an artifact that is no build of ours here: nothing can be built anew."""


def not_pulled(pod: str, words: str, promoted: ArtifactPin | None) -> tuple[Reason, str]:
    """Return a reason and a message, as a pod's puller said it; one of an earlier version says nothing.

    promoted: the artifact, if the user named one.
    """
    try:
        said = json.loads(words)
        reason, message = Reason(said["reason"]), said["message"]
    except (ValueError, KeyError, TypeError):
        fix = f"mend what `kubectl logs {pod} --container={PULL_CONTAINER}` says"
        return Reason.PODS_NOT_READY, f"{pod}: its artifact can't be pulled ({words}); {fix}"
    fix = (NAMED if promoted else BUILT_HERE).get(reason, "")
    return reason, "; ".join(part for part in (f"{pod}: its artifact can't be pulled: {message}", fix) if part)
