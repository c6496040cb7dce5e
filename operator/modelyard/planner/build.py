"""One pass of a build: a hit in the registry, else a Job; what became of it; a second try where memory was short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from modelyard.api.build import ModelBuildSpec
from modelyard.api.status import ModelBuildStatus
from modelyard.conditions import conditions_from
from modelyard.contract.steps import ExitCode, step_of
from modelyard.errors import SpecNotUnderstood
from modelyard.manifests.configmap import request_config
from modelyard.manifests.job import BuildJob, job
from modelyard.manifests.metadata import build_owner
from modelyard.manifests.request import build_request
from modelyard.manifests.secret import push_secret
from modelyard.naming import push_secret_name, request_name
from modelyard.planner.build_failure import Failure, failure_of, in_the_way, memory_estimate, out_of_memory, refused
from modelyard.reasons import Reason, with_fix
from modelyard.results import result_of
from modelyard.state.build import BuildDesired, BuildObserved, BuildPodView, Hit, JobView, RegistryFailed
from modelyard.state.observed import BuildPhase
from modelyard.state.plan import Action, BuildPlan, Create, Delete, Finding, Truth

OWNERLESS_GRACE = timedelta(minutes=2)
"""How long a build may be without an owner: who made it was killed before the claim, and claims it in the next pass."""
REGISTRY_FIRST = timedelta(seconds=5)
REGISTRY_LIMIT = timedelta(seconds=60)
MEMORY_ROUNDING = 64 << 20
TRIES_BEFORE_GIVING_UP = 3
_OVER = {BuildPhase.SUCCEEDED, BuildPhase.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a pass found: the status in short."""

    phase: BuildPhase
    reason: Reason
    message: str
    step: str = ""


def asks_registry(want: BuildDesired, have: BuildObserved) -> bool:
    """Return whether the registry must be asked: before the first Job, and once a Job is complete."""
    if isinstance(want.spec, SpecNotUnderstood) or want.deleting or want.status.phase in _OVER:
        return False
    return not have.jobs or have.jobs[-1].complete


def plan_build(want: BuildDesired, have: BuildObserved) -> BuildPlan:
    """Return what this pass does, and the status to write."""
    if want.deleting:
        return BuildPlan(actions=(), status=want.status)
    if isinstance(want.spec, SpecNotUnderstood):
        return _not_understood(want, want.spec, have)
    if want.owners == 0:
        return _ownerless(want, have)
    if want.status.phase in _OVER:
        return BuildPlan(actions=_secret_taken_back(want, have), status=want.status)
    return _under_way(want, want.spec, have)


def _not_understood(want: BuildDesired, error: SpecNotUnderstood, have: BuildObserved) -> BuildPlan:
    """Do nothing, and say so, unless it is over: its result can be read, whatever it was made from."""
    if want.status.phase in _OVER:
        return BuildPlan(actions=(), status=want.status)
    phase = BuildPhase.RUNNING if have.jobs else BuildPhase.PENDING
    return _plan(want, have, _Found(phase=phase, reason=Reason.SPEC_NOT_UNDERSTOOD, message=str(error)))


def _ownerless(want: BuildDesired, have: BuildObserved) -> BuildPlan:
    """Delete a build that nobody needs any more: garbage collection only follows owners that were deleted."""
    left = want.created_at + OWNERLESS_GRACE - have.now
    if left > timedelta():
        return BuildPlan(actions=(), status=want.status, requeue_after=left)
    return BuildPlan(actions=(Delete(ref=want.ref, why="no model needs it any more"),), status=want.status)


def _under_way(want: BuildDesired, spec: ModelBuildSpec, have: BuildObserved) -> BuildPlan:
    latest = have.jobs[-1] if have.jobs else None
    if isinstance(have.registry, Hit):
        return _succeeded(want, spec, have, have.registry)
    if spec.source.artifact and not isinstance(have.registry, RegistryFailed):
        return _failed(want, have, Failure(reason=Reason.SOURCE_NOT_FOUND, message=_no_artifact(spec)), None)
    if isinstance(have.registry, RegistryFailed):
        return _registry_away(want, have, have.registry)
    if latest is None:
        return _start(want, spec, have, attempt=1, memory=None, why="the registry has no such artifact")
    return _of_its_job(want, spec, have, latest)


def _of_its_job(want: BuildDesired, spec: ModelBuildSpec, have: BuildObserved, latest: JobView) -> BuildPlan:
    if latest.deleting:
        return _plan(want, have, _starting("the former Job is going"))
    pods = [pod for pod in have.pods if pod.attempt == latest.attempt]
    if not want.status.job.endswith(latest.ref.name):  # a pass was cut off between the Job and its status
        want = replace(want, status=want.status.model_copy(update={"job": latest.ref.name}))
    if latest.complete:
        return _vanished(want, spec, have, latest)
    if _may_get_more_memory(spec, latest, pods):
        return _again_with_more_memory(want, spec, have, latest, pods)
    if latest.failed is None and out_of_memory(pods) is None:
        return _running(want, have, pods)
    plan = _failed(want, have, failure_of(want, latest, pods), memory_estimate(pods))
    if latest.failed is None:
        plan = replace(plan, actions=(_stopped_for_memory(latest), *plan.actions))
    return plan


def _start(
    want: BuildDesired, spec: ModelBuildSpec, have: BuildObserved, *, attempt: int, memory: int | None, why: str
) -> BuildPlan:
    """Make what the Job needs, then the Job. What an earlier pass made is not made again."""
    owner = build_owner(want.namespace, want.name, want.uid)
    actions: list[Action] = []
    if ("ConfigMap", request_name(want.name)) not in have.objects:
        actions.append(Create(manifest=request_config(owner, build_request(spec)), why=why))
    if want.push_config is not None and ("Secret", push_secret_name(want.name)) not in have.objects:
        actions.append(Create(manifest=push_secret(owner, want.push_config), why="publish pushes with it"))
    resources = spec.resources
    if memory is not None:
        limits = dict(resources.limits) | {"memory": memory}
        resources = resources.model_copy(update={"limits": limits})
    build_job = BuildJob(
        owner=owner,
        spec=spec,
        attempt=attempt,
        starts_at=have.now,
        resources=resources,
        pushes_with_secret=want.push_config is not None,
    )
    actions.append(Create(manifest=job(build_job), why=why))
    found = _Found(phase=BuildPhase.RUNNING, reason=Reason.STARTING, message=f"Job {build_job.name} starts: {why}")
    if have.obstacles:
        blocked = have.obstacles[0]
        message = f"{blocked.kind} {blocked.name}: {blocked.message}"
        found = _Found(phase=BuildPhase.PENDING, reason=blocked.reason, message=message)
        return _plan(want, have, found, requeue_after=_backoff(want, have))
    changes = {"job": build_job.name, "started_at": want.status.started_at or have.now.replace(microsecond=0)}
    return _plan(want, have, found, tuple(actions), changes=changes)


def _no_artifact(spec: ModelBuildSpec) -> str:
    ref = spec.source.artifact.ref if spec.source.artifact else ""
    fix = "correct spec.source.artifact.ref; status.artifacts[].ref of the model that it was built for has it"
    return f"there is no artifact {ref} with its report; {fix}"


def _succeeded(want: BuildDesired, spec: ModelBuildSpec, have: BuildObserved, hit: Hit) -> BuildPlan:
    result = result_of(hit.report, hit.artifact, opt_batch=spec.shapes.batch.opt)
    speedup = f", {result.speedup} times as fast as the original" if result.speedup else ""
    where = "by this build" if have.jobs else "found in the registry"
    message = f"{result.engine} {result.precision}{speedup}, {hit.artifact.digest} ({where})"
    found = _Found(phase=BuildPhase.SUCCEEDED, reason=Reason.BUILT, message=message)
    changes = {"result": result, "finished_at": have.now.replace(microsecond=0)}
    return _plan(want, have, found, _secret_taken_back(want, have), changes=changes)


def _registry_away(want: BuildDesired, have: BuildObserved, answer: RegistryFailed) -> BuildPlan:
    """Wait. Nothing that was built is lost: the Job's work is in the registry, and that will be back."""
    phase = BuildPhase.RUNNING if have.jobs else BuildPhase.PENDING
    found = _Found(phase=phase, reason=answer.reason, message=answer.message)
    return _plan(want, have, found, requeue_after=_backoff(want, have))


def _vanished(want: BuildDesired, spec: ModelBuildSpec, have: BuildObserved, latest: JobView) -> BuildPlan:
    """A Job that is complete, and no artifact: somebody deleted it meanwhile. It is built again, a few times."""
    if latest.attempt >= TRIES_BEFORE_GIVING_UP:
        message = f"{latest.ref.name} pushed the artifact, but the registry has none; does something delete it?"
        return _failed(want, have, Failure(reason=Reason.REGISTRY_UNREACHABLE, message=message), None)
    why = "the artifact was gone from the registry"
    return _start(want, spec, have, attempt=latest.attempt + 1, memory=None, why=why)


def _may_get_more_memory(spec: ModelBuildSpec, latest: JobView, pods: list[BuildPodView]) -> bool:
    """Return whether to try once more: killed for memory, with a limit that is ours, and an estimate above it."""
    estimate = memory_estimate(pods)
    return (
        latest.attempt == 1
        and not spec.memory_limit_is_users
        and out_of_memory(pods) is not None
        and estimate is not None
        and latest.memory_limit is not None
        and estimate > latest.memory_limit
    )


def _again_with_more_memory(
    want: BuildDesired, spec: ModelBuildSpec, have: BuildObserved, latest: JobView, pods: list[BuildPodView]
) -> BuildPlan:
    estimate = memory_estimate(pods) or 0
    rounded = -(-estimate // MEMORY_ROUNDING) * MEMORY_ROUNDING
    why = f"killed for memory at {latest.memory_limit} bytes, asked for {estimate}"
    plan = _start(want, spec, have, attempt=latest.attempt + 1, memory=rounded, why=why)
    status = plan.status.model_copy(update={"memory_estimate_bytes": estimate})
    return replace(plan, actions=(_stopped_for_memory(latest), *plan.actions), status=status)


def _stopped_for_memory(latest: JobView) -> Action:
    """Delete the Job before its controller makes another pod of the same limit."""
    return Delete(ref=latest.ref, why="it would only be killed again")


def _failed(want: BuildDesired, have: BuildObserved, failure: Failure, estimate: int | None) -> BuildPlan:
    found = _Found(phase=BuildPhase.FAILED, reason=failure.reason, message=failure.message)
    changes: dict[str, object] = {"finished_at": have.now.replace(microsecond=0)}
    if estimate:
        changes["memory_estimate_bytes"] = estimate
    return _plan(want, have, found, _secret_taken_back(want, have), changes=changes)


def _running(want: BuildDesired, have: BuildObserved, pods: list[BuildPodView]) -> BuildPlan:
    obstacle = refused(want, have) or in_the_way(pods)
    step = pods[-1].step.value if pods and pods[-1].step else ""
    if obstacle:
        found = _Found(phase=BuildPhase.PENDING, reason=obstacle.reason, message=obstacle.message, step=step)
    else:
        message = f"{step} runs" if step else _between_steps(pods)
        found = _Found(phase=BuildPhase.RUNNING, reason=Reason.BUILDING, message=message, step=step)
    estimate = memory_estimate(pods) or want.status.memory_estimate_bytes
    # A pod wakes us; that there is to be none, nobody tells but events, which are not watched.
    again = _backoff(want, have) if have.podless else None
    return _plan(want, have, found, requeue_after=again, changes={"memory_estimate_bytes": estimate})


def _between_steps(pods: list[BuildPodView]) -> str:
    """Return what the newest pod has done while none of its steps runs."""
    done = [end.name for pod in pods[-1:] for end in pod.ends if step_of(end.name) and end.exit_code == ExitCode.OK]
    return f"{done[-1]} is done" if done else "the pod starts"


def _starting(message: str) -> _Found:
    return _Found(phase=BuildPhase.PENDING, reason=Reason.STARTING, message=message)


def _secret_taken_back(want: BuildDesired, have: BuildObserved) -> tuple[Action, ...]:
    """Return: the right to push is lent for the time of the build only."""
    secret = have.objects.get(("Secret", push_secret_name(want.name)))
    return (Delete(ref=secret, why="the build is over"),) if secret else ()


def _backoff(want: BuildDesired, have: BuildObserved) -> timedelta:
    """Return when to ask again: after half of the time that it has been so already, within bounds."""
    since = next((c.last_transition_time for c in want.status.conditions if c.type == "Ready"), have.now)
    return min(REGISTRY_LIMIT, max(REGISTRY_FIRST, (have.now - since) / 2))


def _plan(
    want: BuildDesired,
    have: BuildObserved,
    found: _Found,
    actions: tuple[Action, ...] = (),
    *,
    requeue_after: timedelta | None = None,
    changes: Mapping[str, object] | None = None,
) -> BuildPlan:
    """Return the plan; ``changes`` are further fields of the status."""
    return BuildPlan(actions=actions, status=_status(want, have, found, changes or {}), requeue_after=requeue_after)


def _status(want: BuildDesired, have: BuildObserved, found: _Found, changes: Mapping[str, object]) -> ModelBuildStatus:
    done = found.phase is BuildPhase.SUCCEEDED
    stalled = found.phase is BuildPhase.FAILED or found.reason is Reason.SPEC_NOT_UNDERSTOOD
    message = with_fix(found.reason, found.message)

    def finding(truth: bool) -> Finding:  # noqa: FBT001 - a condition's status
        return Finding(truth=Truth.TRUE if truth else Truth.FALSE, reason=found.reason, message=message)

    findings = {"Ready": finding(done)}
    if stalled:
        findings["Stalled"] = finding(truth=True)
    elif not done:
        findings["Reconciling"] = finding(truth=True)
    conditions = conditions_from(findings, want.status.conditions, generation=want.generation, now=have.now)
    return want.status.model_copy(
        update={
            "observed_generation": want.generation,
            "phase": found.phase.value,
            "source": _source(want) or want.status.source,
            "step": found.step,
            "reason": found.reason.value,
            "message": message,
            "conditions": conditions,
            **changes,
        }
    )


def _source(want: BuildDesired) -> str:
    """Return what is built in a few words."""
    if isinstance(want.spec, SpecNotUnderstood):
        return ""
    source = want.spec.source
    if source.hugging_face:
        return f"{source.hugging_face.repo}@{source.hugging_face.revision[:8]}"
    if source.oci:
        name, _, digest = source.oci.ref.partition("@")
        return f"{name.rpartition('/')[2]}@{digest[:15]}"
    if source.artifact:
        name, _, digest = source.artifact.ref.partition("@")
        return f"{name.rpartition('/')[2]}@{digest[:15]}"
    if source.object_store:
        return source.object_store.url
    return f"{source.pvc.claim_name}/{source.pvc.path}".rstrip("/") if source.pvc else ""
