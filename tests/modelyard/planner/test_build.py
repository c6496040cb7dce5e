"""One pass of a build, as a table of what is there and what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from modelyard.api.pod import ResourcesSpec
from modelyard.api.status import ModelBuildStatus
from modelyard.contract.steps import WAIT_UNTIL, BuildReason, Step, adapter_container, step_of
from modelyard.errors import SpecNotUnderstood
from modelyard.planner import asks_registry, plan_build
from modelyard.reasons import ADVICE, Reason
from modelyard.state.build import BuildObserved, Missing, RegistryAnswer, RegistryFailed
from modelyard.state.objects import Manifest
from modelyard.state.observed import Obstacle
from modelyard.state.plan import Action, BuildPlan, Create, Delete
from modelyard.transitions import build_events_of
from tests.modelyard.manifests.samples import build_spec
from tests.modelyard.planner.build_world import (
    GIB,
    NAME,
    NOW,
    desired,
    ended,
    hit,
    job,
    observed,
    pod,
    ref,
    without_words,
)

OWN_LIMIT = build_spec().model_copy(
    update={"resources": ResourcesSpec(limits={"memory": "4Gi"}), "memory_limit_is_users": True}
)
DONE = ModelBuildStatus(phase="Succeeded", reason="Built", message="done")
NEWER = SpecNotUnderstood("spec.teleport: unknown; upgrade the operator, or delete the build, and it is made anew")
OOM = pod(ended(Step.CONVERT, 137, oom=True, estimate=6 * GIB))
SECRET = {("Secret", f"{NAME}-push"): ref("Secret", f"{NAME}-push")}


def made(actions: tuple[Action, ...]) -> list[str]:
    """Return what a plan makes and deletes."""
    return [
        f"make {action.manifest['kind']} {action.manifest['metadata']['name']}"
        if isinstance(action, Create)
        else f"delete {action.ref.kind} {action.ref.name}"
        for action in actions
        if isinstance(action, Create | Delete)
    ]


def job_of(plan: BuildPlan) -> Manifest:
    """Return the Job that a plan makes."""
    (manifest,) = [a.manifest for a in plan.actions if isinstance(a, Create) and a.manifest["kind"] == "Job"]
    return manifest


def memory_of(plan: BuildPlan) -> int:
    """Return the memory limit of ``convert`` in the Job that a plan makes."""
    (convert,) = [c for c in job_of(plan)["spec"]["template"]["spec"]["initContainers"] if c["name"] == "convert"]
    return int(convert["resources"]["limits"]["memory"])


ARTIFACT = build_spec({"artifact": {"ref": f"registry.example.com/n/b@sha256:{'d' * 64}"}})


@pytest.mark.parametrize(
    ("container", "step"),
    [("fetch", Step.FETCH), (adapter_container("a-b"), Step.FETCH), ("convert", Step.CONVERT), ("server", None)],
)
def test_every_container_is_of_a_step_but_the_server(container: str, step: Step | None) -> None:
    assert step_of(container) is step


@pytest.mark.parametrize(
    ("answer", "phase", "reason", "says"),
    [
        (hit(), "Succeeded", "Built", "found in the registry"),
        (Missing(), "Failed", "SourceNotFound", f"there is no artifact registry.example.com/n/b@sha256:{'d' * 64}"),
        (
            RegistryFailed(reason=Reason.SOURCE_UNREACHABLE, message="no route"),
            "Pending",
            "SourceUnreachable",
            "no route",
        ),
        (
            RegistryFailed(reason=Reason.SOURCE_UNAUTHORIZED, message="no login"),
            "Pending",
            "SourceUnauthorized",
            "no login",
        ),
    ],
)
def test_an_artifact_is_read_and_nothing_is_built(answer: RegistryAnswer, phase: str, reason: str, says: str) -> None:
    want = desired(spec=ARTIFACT)
    assert asks_registry(want, observed())
    plan = plan_build(want, observed(registry=answer))
    assert made(plan.actions) == []
    assert (plan.status.phase, plan.status.reason) == (phase, reason)
    assert says in plan.status.message
    assert (plan.requeue_after is not None) is (phase == "Pending")
    assert plan.status.source == f"b@sha256:{'d' * 8}"


def test_the_registry_is_asked_before_anything_else() -> None:
    assert asks_registry(desired(), observed())


def test_the_registry_is_asked_again_once_the_job_is_complete() -> None:
    assert not asks_registry(desired(), observed(jobs=(job(),)))
    assert asks_registry(desired(), observed(jobs=(job(complete=True),)))


@pytest.mark.parametrize(
    "want",
    [
        desired(status=DONE),
        desired(deleting=True),
        desired(spec=NEWER, deleting=True),
        desired(spec=NEWER, status=DONE),
    ],
)
def test_nothing_is_asked_or_done_for_a_build_that_is_over_or_not_ours_to_read(want: Any) -> None:
    assert not asks_registry(want, observed())
    plan = plan_build(want, observed())
    assert (plan.actions, plan.status, plan.requeue_after) == ((), want.status, None)


@pytest.mark.parametrize(("have", "phase"), [(observed(), "Pending"), (observed(jobs=(job(),)), "Running")])
def test_a_build_that_a_newer_version_stored_is_left_alone_and_says_so(have: BuildObserved, phase: str) -> None:
    want = desired(spec=NEWER, status=ModelBuildStatus(source="minilm@sha256:1"))
    assert not asks_registry(want, have)
    plan = plan_build(want, have)
    assert (plan.actions, plan.requeue_after) == ((), None)
    assert (plan.status.phase, plan.status.source) == (phase, "minilm@sha256:1")
    told = {c.type: (c.status, c.reason, c.message) for c in plan.status.conditions}
    assert told == {
        "Ready": ("False", "SpecNotUnderstood", str(NEWER)),
        "Stalled": ("True", "SpecNotUnderstood", str(NEWER)),
    }
    assert [event.warning for event in build_events_of(want.status, plan.status)] == [True]
    again = plan_build(replace(want, status=plan.status), have)
    assert again.status == plan.status, "nothing is written while nothing changes"


def test_an_artifact_in_the_registry_starts_no_job() -> None:
    plan = plan_build(desired(), observed(registry=hit()))
    assert made(plan.actions) == []
    assert plan.status.phase == "Succeeded"
    assert plan.status.result is not None
    assert plan.status.result.speedup == "4.20"
    assert "found in the registry" in plan.status.message
    assert [c.type for c in plan.status.conditions if c.status == "True"] == ["Ready"]


def test_figures_keep_the_digits_that_gates_turn_on() -> None:
    result = plan_build(desired(), observed(registry=hit())).status.result
    assert result is not None
    assert result.figures["p1Cosine"].value == "0.999612346"
    assert len(result.candidates[1].message) == 500


def test_without_an_artifact_the_job_is_made_after_what_it_needs() -> None:
    plan = plan_build(desired(), observed(registry=Missing()))
    assert made(plan.actions) == [
        f"make ConfigMap {NAME}-request",
        f"make Secret {NAME}-push",
        f"make Job {NAME}-1",
    ]
    assert (plan.status.phase, plan.status.job, plan.status.started_at) == ("Running", f"{NAME}-1", NOW)
    assert plan.requeue_after is None


def test_steps_stop_waiting_before_the_job_s_deadline_whichever_job_it_is() -> None:
    """A step that the deadline ends can't say what it waited for, and one that came late has waited for nothing."""
    late = replace(observed(registry=Missing()), now=NOW + timedelta(hours=2))
    for have in (observed(registry=Missing()), late):
        manifest = job_of(plan_build(desired(), have))
        ends = have.now + timedelta(seconds=manifest["spec"]["activeDeadlineSeconds"])
        template = manifest["spec"]["template"]["spec"]
        waits = {
            container["name"]: datetime.fromisoformat(entry["value"])
            for container in (*template["initContainers"], *template["containers"])
            for entry in container.get("env", ())
            if entry["name"] == WAIT_UNTIL
        }
        assert set(waits) == {"fetch", "publish"}
        for until in waits.values():
            assert have.now + (ends - have.now) / 2 < until < ends - timedelta(minutes=5)


def test_a_registry_that_asks_for_no_password_needs_no_secret() -> None:
    plan = plan_build(desired(push_config=None), observed(registry=Missing()))
    assert made(plan.actions) == [f"make ConfigMap {NAME}-request", f"make Job {NAME}-1"]


def test_what_an_earlier_pass_made_is_not_made_again() -> None:
    there = {("ConfigMap", f"{NAME}-request"): ref("ConfigMap", f"{NAME}-request")} | SECRET
    plan = plan_build(desired(), observed(registry=Missing(), objects=there))
    assert made(plan.actions) == [f"make Job {NAME}-1"]


def test_a_registry_that_is_away_is_asked_again_and_ever_more_seldom() -> None:
    away = observed(registry=RegistryFailed(reason=Reason.REGISTRY_UNREACHABLE, message="no answer"))
    first = plan_build(desired(), away)
    assert (first.status.phase, first.status.reason) == ("Pending", "RegistryUnreachable")
    assert first.requeue_after == timedelta(seconds=5)
    later = plan_build(desired(status=first.status), replace(away, now=NOW + timedelta(seconds=60)))
    assert later.requeue_after == timedelta(seconds=30)
    assert later.status == first.status, "nothing is written while nothing changes"
    last = plan_build(desired(status=first.status), replace(away, now=NOW + timedelta(hours=3)))
    assert last.requeue_after == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("facts", "phase", "reason", "message"),
    [
        ({"pods": (pod(),)}, "Running", Reason.BUILDING, "the pod starts"),
        ({"pods": (pod(ended(Step.FETCH, 0)),)}, "Running", Reason.BUILDING, "fetch is done"),
        ({"pods": (pod(step=Step.CONVERT),)}, "Running", Reason.BUILDING, "convert runs"),
        ({"pods": (pod(unschedulable="0/1 nodes"),)}, "Pending", Reason.NO_NODE_FITS, "build.resources.requests"),
        ({"pods": (pod(image_error="runtime:1: not found"),)}, "Pending", Reason.IMAGE_NOT_PULLABLE, "chart's values"),
        ({"pods": (pod(cannot_start="secret gone"),)}, "Pending", Reason.PODS_NOT_READY, "secret gone"),
    ],
)
def test_a_job_that_runs_says_what_it_does_or_waits_for(
    facts: dict[str, Any], phase: str, reason: Reason, message: str
) -> None:
    plan = plan_build(desired(), observed(jobs=(job(),), **facts))
    assert (plan.status.phase, plan.status.reason) == (phase, reason)
    assert message in plan.status.message
    assert (plan.actions, plan.requeue_after) == ((), None), "the Job's events wake us"


QUOTA = "forbidden: exceeded quota: team, requested: pods=1, used: pods=4, limited: pods=4"
POLICY = 'forbidden: violates PodSecurity "restricted:latest": unrestricted capabilities'
REFUSALS = {
    QUOTA: (Reason.NO_ROOM, "raise the quota, or lower build.resources"),
    "forbidden: status unknown for quota: team, resources: pods": (Reason.NO_ROOM, "raise the quota"),
    POLICY: (Reason.OBJECT_REFUSED, "correct build.pod or build.resources"),
    "forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi": (
        Reason.OBJECT_REFUSED,
        "or ask whoever set the policy",
    ),
}


@pytest.mark.parametrize("words", REFUSALS)
def test_a_job_that_is_given_no_pod_says_why_and_is_waited_for(words: str) -> None:
    reason, fix = REFUSALS[words]
    have = observed(jobs=(job(),), refusal=words)
    plan = plan_build(desired(), have)
    assert (plan.actions, plan.status.phase, plan.status.reason) == ((), "Pending", reason)
    for said in (f"no pod can be made for Job {NAME}-1: {words}", fix, "tried again every minute"):
        assert plan.status.message.count(said) == 1
    assert "Stalled" not in {condition.type for condition in plan.status.conditions}
    later = plan_build(desired(status=plan.status), replace(have, now=NOW + timedelta(hours=1)))
    assert (later.requeue_after, later.status) == (timedelta(minutes=1), plan.status), "told once, and looked at again"


def test_a_job_goes_on_once_it_is_given_a_pod() -> None:
    refused = plan_build(desired(), observed(jobs=(job(),), refusal=QUOTA)).status
    plan = plan_build(desired(status=refused), observed(jobs=(job(),), pods=(pod(step=Step.FETCH),)))
    assert (plan.status.phase, plan.status.reason, plan.status.message) == ("Running", "Building", "fetch runs")
    assert plan.requeue_after is None


@pytest.mark.parametrize(
    "have",
    [
        observed(jobs=(job(),)),
        observed(jobs=(job(),), pods=(pod(failed=True),)),
        observed(jobs=(job(2),), pods=(pod(attempt=1),)),
    ],
    ids=["no pod", "a pod that was lost", "a former Job's pod"],
)
def test_a_job_that_waits_for_its_next_pod_is_looked_at_again(have: BuildObserved) -> None:
    """That there is to be none, only events would tell, and they are not watched."""
    assert have.podless == have.jobs[-1]
    plan = plan_build(desired(), have)
    assert (plan.status.phase, plan.status.message) == ("Running", "the pod starts")
    assert plan.requeue_after == timedelta(seconds=5)


@pytest.mark.parametrize(
    "have",
    [
        observed(),
        observed(jobs=(job(),), pods=(pod(),)),
        observed(jobs=(job(complete=True),)),
        observed(jobs=(job(failed="DeadlineExceeded"),)),
        observed(jobs=(job(deleting=True),)),
    ],
    ids=["no Job", "a pod", "complete", "failed", "going"],
)
def test_events_are_read_for_no_other(have: BuildObserved) -> None:
    assert have.podless is None


NODES_DISK = "The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi. "
EVICTIONS = {
    NODES_DISK: (Reason.DISK_FULL, "free the node's disk, or raise build.resources.requests.ephemeral-storage"),
    "The node was low on resource: inodes. ": (Reason.DISK_FULL, "free the node's disk"),
    'Usage of EmptyDir volume "scratch" exceeds the limit "20Gi". ': (Reason.DISK_FULL, "raise build.scratch"),
    'Container convert exceeded its local ephemeral storage limit "1Gi". ': (
        Reason.DISK_FULL,
        "raise build.resources.limits.ephemeral-storage",
    ),
    "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ": (
        Reason.DISK_FULL,
        "raise build.resources.limits.ephemeral-storage",
    ),
    "The node was low on resource: memory. ": (Reason.OUT_OF_MEMORY, "raise build.resources.requests.memory"),
    "The node was low on resource: pids. ": (Reason.POD_LOST, "retry"),
}
TAINTED = {
    "1.29": "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }.",
    "1.37": "0/1 nodes are available: 1 node(s) had untolerated taint(s).",
}


@pytest.mark.parametrize("words", EVICTIONS)
def test_a_pod_that_was_evicted_says_what_was_full(words: str) -> None:
    """While the Job makes another one, and where it gave up."""
    reason, fix = EVICTIONS[words]
    pods = (pod(without_words("convert", 137), evicted=words, failed=True),)
    for lost, phase in ((job(), "Pending"), (job(failed="BackoffLimitExceeded"), "Failed")):
        status = plan_build(desired(), observed(jobs=(lost,), pods=pods)).status
        assert (status.phase, status.reason) == (phase, reason)
        for said in (words.strip(" ."), fix):
            assert status.message.count(said) == 1


@pytest.mark.parametrize("version", TAINTED)
def test_a_pod_that_a_full_node_does_not_take_is_no_lack_of_room(version: str) -> None:
    pods = (pod(evicted=NODES_DISK, failed=True), pod(unschedulable=TAINTED[version]))
    status = plan_build(desired(), observed(jobs=(job(),), pods=pods)).status
    assert (status.phase, status.reason) == ("Pending", Reason.DISK_FULL)
    for said in ("untolerated taint", "low on resource: ephemeral-storage", "free the node's disk"):
        assert status.message.count(said) == 1
    assert "build.resources.requests or add a node" not in status.message


def test_a_node_that_was_full_before_says_so_by_its_taint() -> None:
    pods = (pod(unschedulable=TAINTED["1.29"]),)
    status = plan_build(desired(), observed(jobs=(job(),), pods=pods)).status
    assert (status.reason, "free the node's disk" in status.message) == (Reason.DISK_FULL, True)


def test_another_taint_is_a_lack_of_room() -> None:
    pods = (pod(evicted="The node was low on resource: pids. ", failed=True), pod(unschedulable=TAINTED["1.37"]))
    status = plan_build(desired(), observed(jobs=(job(),), pods=pods)).status
    assert status.reason == Reason.NO_NODE_FITS


FAILED = job(failed="PodFailurePolicy", failed_message="exit code 65")

FAILURES: dict[str, tuple[dict[str, Any], Reason, str]] = {
    "a step that refuses": (
        {"pods": (pod(ended(Step.FETCH, 64, BuildReason.SOURCE_NOT_FOUND, "no such repository")),)},
        Reason.SOURCE_NOT_FOUND,
        "fetch: no such repository",
    ),
    "a refusal beside a step that was told to end while it waited": (
        {
            "pods": (
                pod(ended(Step.CONVERT, 64, BuildReason.UNSUPPORTED_ARCHITECTURE, "GPT-J")),
                pod(ended(Step.FETCH, 143, BuildReason.SOURCE_UNREACHABLE, "no answer")),
            )
        },
        Reason.UNSUPPORTED_ARCHITECTURE,
        "GPT-J",
    ),
    "an outage of the source that was waited for": (
        {"pods": (pod(ended(Step.FETCH, 64, BuildReason.SOURCE_UNREACHABLE, "no answer; waited 3240 s for it")),)},
        Reason.SOURCE_UNREACHABLE,
        "fetch: no answer; waited 3240 s for it; check the network",
    ),
    "an outage of the registry that was waited for": (
        {"pods": (pod(ended(Step.PUBLISH, 64, BuildReason.REGISTRY_UNREACHABLE, "no answer; waited 600 s for it")),)},
        Reason.REGISTRY_UNREACHABLE,
        "a build that gave up needs the command retry",
    ),
    "a traceback": (
        {"pods": (pod(without_words("convert", 1, "ValueError: 7")),)},
        Reason.CONVERSION_FAILED,
        "ValueError",
    ),
    "silence": ({"pods": (pod(without_words("convert", 1)),)}, Reason.CONVERSION_FAILED, "it said nothing"),
    "pods that vanish": ({"pods": ()}, Reason.POD_LOST, "retry"),
    "a kill that is not for memory": ({"pods": (pod(without_words("convert", 137)),)}, Reason.POD_LOST, "retry"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failed_job_says_why(what: str) -> None:
    facts, reason, message = FAILURES[what]
    plan = plan_build(desired(), observed(jobs=(FAILED,), objects=SECRET, **facts))
    assert (plan.status.phase, plan.status.reason) == ("Failed", reason)
    assert message in plan.status.message
    assert made(plan.actions) == [f"delete Secret {NAME}-push"]
    assert {c.type: c.status for c in plan.status.conditions} == {"Ready": "False", "Stalled": "True"}


@pytest.mark.parametrize("said", BuildReason)
def test_a_failed_build_says_its_fix(said: BuildReason) -> None:
    pods = (pod(ended(Step.CONVERT, 64, said, "a step's words")),)
    status = plan_build(desired(), observed(jobs=(FAILED,), pods=pods)).status
    fix = ADVICE[Reason(said.value)].fix.removesuffix(".")
    told = f"convert: a step's words; {fix[0].lower()}{fix[1:]}"
    assert [status.message, *(condition.message for condition in status.conditions)] == [told] * 3


@pytest.mark.parametrize(
    ("facts", "reason", "message"),
    [
        ({"pods": (pod(step=Step.CONVERT),)}, Reason.DEADLINE_EXCEEDED, "raise build.timeout"),
        ({"pods": (pod(unschedulable="0/1 nodes"),)}, Reason.NO_NODE_FITS, "0/1 nodes"),
        ({"pods": (pod(image_error="not found"),)}, Reason.IMAGE_NOT_PULLABLE, "not found"),
        (
            {"pods": (pod(ended(Step.PUBLISH, 143, BuildReason.REGISTRY_UNREACHABLE, "no answer")),)},
            Reason.REGISTRY_UNREACHABLE,
            "no answer",
        ),
    ],
)
def test_a_deadline_names_what_it_was_spent_on(facts: dict[str, Any], reason: Reason, message: str) -> None:
    late = job(failed="DeadlineExceeded", failed_message="active longer than specified deadline")
    plan = plan_build(desired(), observed(jobs=(late,), **facts))
    assert (plan.status.phase, plan.status.reason) == ("Failed", reason)
    assert message in plan.status.message


@pytest.mark.parametrize(
    ("facts", "reason", "words"),
    [
        ({"pods": (pod(unschedulable="0/1 nodes"),)}, Reason.NO_NODE_FITS, "0/1 nodes; lower build.resources.requests"),
        ({"refusal": QUOTA}, Reason.NO_ROOM, "exceeded quota"),
        ({"refusal": POLICY}, Reason.OBJECT_REFUSED, "violates PodSecurity"),
    ],
)
def test_a_deadline_names_what_it_was_spent_on_after_the_pods_are_gone(
    facts: dict[str, Any], reason: Reason, words: str
) -> None:
    """The Job controller deletes the pods of a Job that was too slow: what they waited for is in the status."""
    waited = plan_build(desired(), observed(jobs=(job(),), **facts)).status
    late = job(failed="DeadlineExceeded")
    plan = plan_build(desired(status=waited), observed(jobs=(late,)))
    assert (plan.status.phase, plan.status.reason) == ("Failed", reason)
    assert words in plan.status.message
    assert plan.status.message.endswith("build.timeout is over: then command `retry <revision> <nonce>`")


def test_a_kill_for_memory_is_tried_once_more_with_what_it_asked_for() -> None:
    plan = plan_build(desired(), observed(jobs=(job(),), pods=(OOM,)))
    assert made(plan.actions)[0] == f"delete Job {NAME}-1"
    assert made(plan.actions)[-1] == f"make Job {NAME}-2"
    assert memory_of(plan) == 6 * GIB
    assert (plan.status.phase, plan.status.job) == ("Running", f"{NAME}-2")
    assert plan.status.memory_estimate_bytes == 6 * GIB


@pytest.mark.parametrize(
    ("want", "have"),
    [
        (desired(spec=OWN_LIMIT), observed(jobs=(job(),), pods=(OOM,))),
        (desired(), observed(jobs=(job(2, memory_limit=6 * GIB),), pods=(replace(OOM, attempt=2),))),
        (desired(), observed(jobs=(job(),), pods=(pod(without_words("convert", 137, oom=True)),))),
        (desired(), observed(jobs=(job(memory_limit=8 * GIB),), pods=(OOM,))),
    ],
    ids=["the user's limit", "the second time", "no estimate", "the estimate was too low"],
)
def test_memory_is_not_raised(want: Any, have: BuildObserved) -> None:
    plan = plan_build(want, have)
    assert (plan.status.phase, plan.status.reason) == ("Failed", Reason.OUT_OF_MEMORY)
    assert "raise build.resources.limits.memory" in plan.status.message
    assert "GiB" in plan.status.message
    assert made(plan.actions) == [f"delete Job {have.jobs[-1].ref.name}"], "another pod would only be killed again"


def test_the_second_try_waits_until_the_first_job_is_gone() -> None:
    plan = plan_build(desired(), observed(jobs=(job(deleting=True),)))
    assert plan.actions == ()
    assert plan.status.phase == "Pending"


def test_the_server_beside_the_conversion_may_be_what_was_killed() -> None:
    server = without_words("server", 137, oom=True)
    plan = plan_build(desired(spec=OWN_LIMIT), observed(jobs=(FAILED,), pods=(pod(server),)))
    assert plan.status.reason == Reason.OUT_OF_MEMORY
    assert plan.status.message.startswith("server was killed")


def test_an_artifact_that_vanished_after_its_job_is_built_again_a_few_times() -> None:
    complete = observed(jobs=(job(complete=True),), registry=Missing())
    assert made(plan_build(desired(), complete).actions)[-1] == f"make Job {NAME}-2"
    third = observed(jobs=(job(3, complete=True),), registry=Missing())
    plan = plan_build(desired(), third)
    assert plan.status.phase == "Failed"
    assert "does something delete it?" in plan.status.message


def test_a_name_that_is_taken_is_said_and_tried_again() -> None:
    taken = Obstacle(kind="Job", name=f"{NAME}-1", reason=Reason.NAME_TAKEN, message="not ours")
    plan = plan_build(desired(), observed(registry=Missing(), obstacles=(taken,)))
    assert (plan.status.phase, plan.status.reason) == ("Pending", Reason.NAME_TAKEN)
    assert plan.requeue_after is not None


def test_a_build_that_nobody_owns_goes_after_a_while() -> None:
    young = plan_build(desired(owners=0), observed())
    assert (young.actions, young.requeue_after) == ((), timedelta(minutes=1))
    old = plan_build(desired(owners=0, created_at=NOW - timedelta(hours=1)), observed())
    assert made(old.actions) == [f"delete ModelBuild {NAME}"]


def test_a_build_that_is_over_lends_nobody_the_right_to_push() -> None:
    plan = plan_build(desired(status=DONE), observed(objects=SECRET))
    assert made(plan.actions) == [f"delete Secret {NAME}-push"]
    assert plan.status == DONE


def test_each_step_is_an_event_once() -> None:
    before = ModelBuildStatus()
    fetching = plan_build(desired(), observed(jobs=(job(),), pods=(pod(step=Step.FETCH),))).status
    converting = plan_build(desired(status=fetching), observed(jobs=(job(),), pods=(pod(step=Step.CONVERT),))).status
    assert [e.message for e in build_events_of(before, fetching)] == ["fetch runs"]
    assert [e.message for e in build_events_of(fetching, converting)] == ["convert runs"]
    assert build_events_of(converting, converting) == ()


def test_a_failure_is_a_warning() -> None:
    failed = plan_build(desired(), observed(jobs=(FAILED,))).status
    (event,) = build_events_of(ModelBuildStatus(), failed)
    assert event.warning
