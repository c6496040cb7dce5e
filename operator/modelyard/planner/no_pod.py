"""What is told where Kubernetes lets a controller make no pod: a quota, a LimitRange, an admission policy."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.reasons import Reason

_PASSING = ("exceeded quota", "status unknown for quota")
"""How the API server says that a quota has no room now, or was made a moment ago and isn't counted yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Pods that are wanted. ``whose``: their owner; ``spec``: what of the model's spec they are made from.

    ``then``: what a change of that needs besides; ``again``: when their controller tries again, of itself.
    """

    whose: str
    spec: str
    then: str = ""
    again: str


def pods_of_job(job: str, build: str) -> Wanted:
    """Return the pods of a build's Job, whose controller waits a minute at the most."""
    return Wanted(
        whose=f"Job {job}",
        spec="build",
        then=f" and delete ModelBuild {build}, which is made anew",
        again="it is tried again every minute until build.timeout",
    )


def pods_of_revision(revision: str) -> Wanted:
    """Return a revision's servers, whose ReplicaSet's controller waits up to 1000 s."""
    again = "it is tried again ever more seldom, at the latest after 17 minutes"
    return Wanted(whose=f"revision {revision}", spec="serving", again=again)


def no_pod(wanted: Wanted, words: str) -> tuple[Reason, str]:
    """Return what is told of a refusal in the API server's ``words``: no room now, or nothing but a change helps."""
    changed = f"{wanted.spec}.resources{wanted.then}"
    if any(passing in words for passing in _PASSING):
        reason, fix = Reason.NO_ROOM, f"raise the quota, or lower {changed}"
    else:
        reason, fix = Reason.OBJECT_REFUSED, f"correct {wanted.spec}.pod or {changed}, or ask whoever set the policy"
    return reason, f"no pod can be made for {wanted.whose}: {words}; {fix}; {wanted.again}"
