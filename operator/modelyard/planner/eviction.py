"""What the kubelet's words on a build's pod that it evicted mean: whose disk or memory was full, and the fix."""

from __future__ import annotations

from modelyard.reasons import Reason

_ELSEWHERE = "so that it goes to a node with as much"
_NODES_DISK = f"free the node's disk, or raise build.resources.requests.ephemeral-storage, {_ELSEWHERE}"
_MEANT: tuple[tuple[str, Reason, str], ...] = (
    (
        "low on resource: memory",
        Reason.OUT_OF_MEMORY,
        f"raise build.resources.requests.memory, {_ELSEWHERE}",
    ),
    ("low on resource: ephemeral-storage", Reason.DISK_FULL, _NODES_DISK),
    ("low on resource: inodes", Reason.DISK_FULL, _NODES_DISK),
    ("Usage of EmptyDir volume", Reason.DISK_FULL, "raise build.scratch"),
    ("local ephemeral storage limit", Reason.DISK_FULL, "raise build.resources.limits.ephemeral-storage"),
    ("ephemeral local storage usage", Reason.DISK_FULL, "raise build.resources.limits.ephemeral-storage"),
)
"""The kubelet's words, what they mean, and the fix."""

_DISK_PRESSURE, _TAINT = "node.kubernetes.io/disk-pressure", "untolerated taint"
"""How the scheduler says that a node's disk is full. A newer one doesn't name the taint."""


def evicted(words: str) -> tuple[Reason, str]:
    """Return the reason of an eviction and what is told of it."""
    told = f"its pod was evicted: {words.strip(' .')}"
    reason, fix = next(((reason, fix) for part, reason, fix in _MEANT if part in words), (Reason.POD_LOST, None))
    return reason, f"{told}; {fix}" if fix else told


def kept_off(unschedulable: str, eviction: str | None) -> tuple[Reason, str] | None:
    """Return what is told of a pod that no node takes since its disk is full, None where that isn't said.

    ``eviction``: the kubelet's words on the pod before it, None if that wasn't evicted.
    """
    reason, told = evicted(eviction) if eviction else (None, _NODES_DISK)
    if _DISK_PRESSURE in unschedulable or (_TAINT in unschedulable and reason is Reason.DISK_FULL):
        return Reason.DISK_FULL, f"{unschedulable.strip(' .')}; {told}"
    return None
