"""Why a build failed, from what its pods left behind: ordered checks, the first that has a reason wins."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelyard.contract.steps import ExitCode, step_of
from modelyard.planner.eviction import evicted, kept_off
from modelyard.planner.no_pod import no_pod, pods_of_job
from modelyard.reasons import Reason, with_fix
from modelyard.state.build import BuildDesired, BuildObserved, BuildPodView, ContainerEnd, JobView

GIB = 1 << 30
_TAIL = 600
_OBSTACLES = {
    Reason.DISK_FULL,
    Reason.IMAGE_NOT_PULLABLE,
    Reason.NO_NODE_FITS,
    Reason.NO_ROOM,
    Reason.OBJECT_REFUSED,
    Reason.PODS_NOT_READY,
}
_RETRY = "build.timeout is over: then command `retry <revision> <nonce>`"
_NO_CLAIM = re.compile('persistentvolumeclaim "[^"]*" not found')
"""How the scheduler says that the source's claim isn't there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A reason and what to tell."""

    reason: Reason
    message: str


Check = Callable[[BuildDesired, JobView, list[BuildPodView]], Failure | None]


def failure_of(want: BuildDesired, job: JobView, pods: list[BuildPodView]) -> Failure:
    """Return why ``job`` failed. ``pods`` are its own, oldest first."""
    for check in (_memory, _said_by_a_step, _waited_too_long, _evicted, _ended_without_a_word):
        if failure := check(want, job, pods):
            return failure
    lost = f"its pods were lost more often than the Job retries ({job.failed_message or job.failed})"
    return Failure(reason=Reason.POD_LOST, message=lost)


def out_of_memory(pods: list[BuildPodView]) -> ContainerEnd | None:
    """Return how the conversion, or the server beside it, was killed for memory; None if neither was."""
    ends = [end for pod in reversed(pods) for end in pod.ends if end.oom]
    return ends[0] if ends else None


def memory_estimate(pods: list[BuildPodView]) -> int | None:
    """Return what the conversion said it needs, in bytes: written before it loads the weights."""
    said = [end.termination for pod in reversed(pods) for end in pod.ends if end.termination]
    return next((t.memory_estimate_bytes for t in said if t.memory_estimate_bytes), None)


def in_the_way(pods: list[BuildPodView]) -> Failure | None:
    """Return what keeps the newest pod from running; it may yet go away."""
    if not pods:
        return None
    pod = pods[-1]
    if pod.evicted is not None:
        return _failure(evicted(pod.evicted))
    if pod.image_error:
        return Failure(reason=Reason.IMAGE_NOT_PULLABLE, message=pod.image_error)
    if pod.unschedulable:
        return _without_a_node(pod.unschedulable, pods[:-1])
    if pod.cannot_start:
        return Failure(reason=Reason.PODS_NOT_READY, message=pod.cannot_start)
    return None


def _without_a_node(words: str, before: list[BuildPodView]) -> Failure:
    """Return why no node takes a pod, in the scheduler's words; ``before``: the Job's earlier pods."""
    if absent := _NO_CLAIM.search(words):
        field = "spec.source.pvc.claimName (an adapter's is in its entry of mergeAdapters)"
        fix = f"create the claim, or correct {field}; it starts as soon as there is one"
        return Failure(reason=Reason.SOURCE_NOT_FOUND, message=f"{absent[0]}; {fix}")
    if full := kept_off(words, before[-1].evicted if before else None):
        return _failure(full)
    return Failure(reason=Reason.NO_NODE_FITS, message=words)


def refused(want: BuildDesired, have: BuildObserved) -> Failure | None:
    """Return what keeps a Job from having a pod at all; it may yet go away."""
    if have.podless is None or have.refusal is None:
        return None
    return _failure(no_pod(pods_of_job(have.podless.ref.name, want.name), have.refusal))


def _failure(told: tuple[Reason, str]) -> Failure:
    reason, message = told
    return Failure(reason=reason, message=message)


def _memory(want: BuildDesired, job: JobView, pods: list[BuildPodView]) -> Failure | None:
    end = out_of_memory(pods)
    if end is None:
        return None
    limit = f"{job.memory_limit / GIB:.2f} GiB" if job.memory_limit else "what the node has"
    estimate = memory_estimate(pods)
    needs = f"; it asked for {estimate / GIB:.2f} GiB" if estimate else ""
    fix = "raise build.resources.limits.memory"
    message = f"{end.name} was killed for using more memory than {limit}{needs}; {fix} of {want.name}'s model"
    return Failure(reason=Reason.OUT_OF_MEMORY, message=message)


def _said_by_a_step(_want: BuildDesired, _job: JobView, pods: list[BuildPodView]) -> Failure | None:
    """Return what a step said on its way out: one that ended the build before one that was ended, as it waited."""
    ends = [end for pod in reversed(pods) for end in pod.ends if end.exit_code != ExitCode.OK]
    ends.sort(key=lambda end: end.exit_code != ExitCode.REFUSED)
    said = [end.termination for end in ends if end.termination and end.termination.reason]
    if not said or said[0].reason is None:
        return None
    return Failure(reason=Reason(said[0].reason.value), message=f"{said[0].step}: {said[0].message}")


def _waited_too_long(want: BuildDesired, job: JobView, pods: list[BuildPodView]) -> Failure | None:
    if job.failed != "DeadlineExceeded":
        return None
    obstacle = in_the_way(pods)
    if not pods and want.status.reason in _OBSTACLES:  # the Job controller deleted them; the status still knows
        obstacle = Failure(reason=Reason(want.status.reason), message=want.status.message)
    if obstacle:
        return replace(obstacle, message=f"{with_fix(obstacle.reason, obstacle.message)}; {_RETRY}")
    timeout = getattr(want.spec, "timeout", "")
    return Failure(reason=Reason.DEADLINE_EXCEEDED, message=f"it was not done after {timeout}")


def _evicted(_want: BuildDesired, _job: JobView, pods: list[BuildPodView]) -> Failure | None:
    """Return why the last pod was evicted, where that ended the Job."""
    last = pods[-1].evicted if pods else None
    return None if last is None else _failure(evicted(last))


def _ended_without_a_word(_want: BuildDesired, _job: JobView, pods: list[BuildPodView]) -> Failure | None:
    """Return a step that ended in an error of its own: a traceback, or nothing at all."""
    ends = [end for pod in reversed(pods) for end in pod.ends if step_of(end.name) and end.exit_code not in {0, 137}]
    if not ends:
        return None
    words = ends[0].termination.message if ends[0].termination else ends[0].message
    tail = words[-_TAIL:].strip() or "it said nothing"
    message = f"{ends[0].name} ended with exit code {ends[0].exit_code}: {tail}"
    return Failure(reason=Reason.CONVERSION_FAILED, message=message)
