"""What is read off objects as the API server gives them, odd ones included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from modelyard.api.status import OptimizedModelStatus
from modelyard.contract.steps import Step
from modelyard.errors import InvalidCommand, SnapshotUnreadable, SpecNotUnderstood
from modelyard.reasons import Reason
from modelyard.state.desired import Command, Verb
from modelyard.views import (
    build_desired_from,
    build_observed_from,
    build_view,
    desired_from,
    observed_from,
    pod_view,
    proxy_pods,
    record_from,
    refusal_in,
)
from modelyard.views.pods import build_pod_view
from tests.modelyard.manifests.samples import everything
from tests.modelyard.planner.world import DEFAULTS, World

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TIME = "2026-01-02T03:04:05Z"


def stored(manifest: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return a manifest as the API server gives it back."""
    given = {"uid": "u", "resourceVersion": "7", "generation": 1, "creationTimestamp": TIME}
    return manifest | {"metadata": given | manifest["metadata"] | metadata}


def pod(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **status: Any) -> dict[str, Any]:
    """Return a pod with these container states."""
    metadata = {"name": "p", "namespace": "n", "labels": {"modelyard.dev/attempt": "2"}}
    states = {"containerStatuses": list(containers), "initContainerStatuses": list(init)}
    return stored({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": states | status})


def container(name: str = "triton", **state: Any) -> dict[str, Any]:
    """Return a container's state."""
    return {"name": name, "image": f"{name}:1", "state": state}


def condition(kind: str, status: str, **more: str) -> dict[str, str]:
    """Return a pod's condition."""
    return {"type": kind, "status": status, "lastTransitionTime": TIME} | more


# --- pods ---


def test_a_pod_that_was_only_just_made_is_nothing_yet() -> None:
    view = pod_view(stored({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}))
    assert (view.ip, view.ready, view.terminating, view.scheduled_at, view.restarts) == (None, False, False, None, 0)


def test_a_pod_that_takes_requests() -> None:
    conditions = [condition("Ready", "True"), condition("PodScheduled", "True")]
    view = pod_view(pod(container(running={}), conditions=conditions, podIP="10.0.0.1", phase="Running"))
    assert (view.ip, view.ready, view.scheduled_at) == ("10.0.0.1", True, NOW)


def test_a_pod_without_a_node_has_the_schedulers_words() -> None:
    words = condition("PodScheduled", "False", reason="Unschedulable", message="0/3 nodes: too little memory")
    assert pod_view(pod(conditions=[words])).unschedulable == "0/3 nodes: too little memory"


def test_a_pod_that_waits_for_its_gates_is_not_unschedulable() -> None:
    assert (
        pod_view(pod(conditions=[condition("PodScheduled", "False", reason="SchedulingGated")])).unschedulable is None
    )


@pytest.mark.parametrize(
    ("reason", "field"),
    [("ImagePullBackOff", "image_error"), ("InvalidImageName", "image_error"), ("RunContainerError", "cannot_start")],
)
def test_a_container_that_waits_names_its_image(reason: str, field: str) -> None:
    view = pod_view(pod(container(waiting={"reason": reason, "message": "why"})))
    assert getattr(view, field) == "triton (triton:1): why"


def test_a_container_that_waits_without_words_says_its_reason() -> None:
    assert pod_view(pod(container(waiting={"reason": "ErrImagePull"}))).image_error == "triton (triton:1): ErrImagePull"


def test_a_container_that_is_being_made_waits_for_nothing() -> None:
    view = pod_view(pod(container(waiting={"reason": "ContainerCreating"})))
    assert (view.image_error, view.cannot_start) == (None, None)


def test_last_words_outlive_the_restart() -> None:
    last = {"terminated": {"exitCode": 65, "message": "golden"}}
    view = pod_view(pod({**container(running={}), "lastState": last, "restartCount": 2}))
    assert (view.terminated, view.restarts) == ("golden", 2)


def test_a_kill_for_memory_is_known_while_the_next_start_waits() -> None:
    last = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    waits = container(waiting={"reason": "CrashLoopBackOff"})
    assert pod_view(pod({**waits, "lastState": last, "restartCount": 2})).out_of_memory == "triton"


def test_a_server_tells_that_a_process_of_it_was_killed_for_memory() -> None:
    last = {"terminated": {"exitCode": 70, "reason": "Error", "message": '{"reason": "OutOfMemory", "message": "x"}'}}
    assert pod_view(pod({**container(running={}), "lastState": last})).out_of_memory == "triton"
    for message in ('{"reason": "ServerDied", "message": "OutOfMemory"}', "OutOfMemory", '["OutOfMemory"]'):
        last["terminated"]["message"] = message
        assert pod_view(pod({**container(running={}), "lastState": last})).out_of_memory is None


def test_a_container_that_the_runtime_can_not_start_says_why_between_its_tries() -> None:
    words = "failed to create task: OCI runtime create failed: memory limit too low"
    last = {"lastState": {"terminated": {"exitCode": 128, "reason": "StartError", "message": words}}}
    waits = container(waiting={"reason": "CrashLoopBackOff", "message": "back-off 10s"})
    assert pod_view(pod(waits | last)).cannot_start == f"triton (triton:1): {words}"
    assert pod_view(pod(container(running={}) | last)).cannot_start is None


def test_a_pull_that_failed_is_told_until_it_is_done() -> None:
    failed = {"lastState": {"terminated": {"exitCode": 1, "message": "gone"}}}
    waits = container("pull", waiting={"reason": "CrashLoopBackOff"}) | failed
    assert pod_view(pod(init=(waits,))).pull_failed == "gone"
    assert pod_view(pod(init=(container("pull", running={}) | failed,))).pull_failed == "gone"
    done = container("pull", terminated={"exitCode": 0}) | failed
    assert pod_view(pod(init=(done,))).pull_failed is None
    assert pod_view(pod(init=(container("other", terminated={"exitCode": 1}),))).pull_failed is None


def test_a_pull_without_words_has_its_exit_code() -> None:
    assert pod_view(pod(init=(container("pull", terminated={"exitCode": 137}),))).pull_failed == "exit code 137"


def test_an_evicted_pod_is_on_its_way_out() -> None:
    assert pod_view(pod(phase="Failed")).terminating


def test_a_pod_of_a_build_says_which_step_runs_and_how_the_others_ended() -> None:
    words = '{"step": "convert", "memoryEstimateBytes": 7}'
    view = build_pod_view(
        pod(
            container("publish", waiting={"reason": "PodInitializing"}),
            init=(
                container("fetch", terminated={"exitCode": 0, "reason": "Completed"}),
                container("server", running={}),
                container("convert", terminated={"exitCode": 137, "reason": "OOMKilled", "message": words}),
            ),
        )
    )
    assert (view.attempt, view.step) == (2, None)
    assert [(end.name, end.exit_code, end.oom) for end in view.ends] == [("fetch", 0, False), ("convert", 137, True)]
    assert view.ends[1].termination is not None
    assert view.ends[1].termination.memory_estimate_bytes == 7


def test_a_step_that_runs_out_of_memory_by_itself_says_so_in_its_own_words() -> None:
    words = '{"step": "convert", "reason": "OutOfMemory", "message": "it asked for 9 GiB"}'
    view = build_pod_view(pod(init=(container("convert", terminated={"exitCode": 64, "message": words}),)))
    (end,) = view.ends
    assert not end.oom, "the kernel killed nothing"
    assert end.termination is not None
    assert end.termination.message == "it asked for 9 GiB"


def test_words_that_are_not_ours_stay_text() -> None:
    view = build_pod_view(pod(init=(container("convert", terminated={"exitCode": 1, "message": "Traceback"}),)))
    assert (view.ends[0].message, view.ends[0].termination) == ("Traceback", None)


def test_the_server_beside_a_step_is_not_the_step() -> None:
    view = build_pod_view(pod(init=(container("server", running={}), container("convert", running={}))))
    assert view.step is Step.CONVERT


# --- models ---


def test_a_command_is_read_once() -> None:
    world = World()
    world.command("promote 2b77e0c4 7")
    want = desired_from(world.model, DEFAULTS)
    assert want.command == Command(verb=Verb.PROMOTE, revision="2b77e0c4", raw="promote 2b77e0c4 7")
    world.model["status"] = {"lastHandledCommand": "promote 2b77e0c4 7"}
    assert desired_from(world.model, DEFAULTS).command is None


def test_a_command_that_is_none_says_how_to_write_one() -> None:
    world = World()
    world.command("do it")
    command = desired_from(world.model, DEFAULTS).command
    assert isinstance(command, InvalidCommand)
    assert "<verb> <revision> <nonce>" in str(command)


def test_a_command_that_no_status_can_hold_is_refused_once() -> None:
    world = World()
    world.command(f"rollback 2b77e0c4 {'x' * 3000}")
    want = desired_from(world.model, DEFAULTS)
    assert isinstance(want.command, InvalidCommand)
    assert len(str(want.command)) < 400
    assert OptimizedModelStatus(last_handled_command=want.command_text).last_handled_command.startswith("sha256:")
    world.model["status"] = {"lastHandledCommand": want.command_text}
    assert desired_from(world.model, DEFAULTS).command is None


def test_a_field_of_a_newer_version_is_named() -> None:
    world = World({"serving": {"teleport": True}})
    spec = desired_from(world.model, DEFAULTS).spec
    assert isinstance(spec, SpecNotUnderstood)
    assert "spec.serving.teleport" in str(spec)
    assert "upgrade the operator" in str(spec)


def test_a_status_of_a_newer_version_is_begun_anew() -> None:
    world = World()
    world.model["status"] = {"phase": {"of": "the moon"}}
    assert desired_from(world.model, DEFAULTS).status.phase == ""


def test_only_what_the_model_controls_is_looked_at() -> None:
    world = World()
    world.settle()
    stranger = stored(everything()["public-service"], name="other", namespace="n")
    stranger["metadata"]["labels"] |= {"modelyard.dev/model": "minilm"}
    del stranger["metadata"]["ownerReferences"]
    have = observed_from(world.model, [stranger], [], [], NOW)
    assert have.proxy.objects == {}


def test_records_come_in_their_order() -> None:
    world = World()
    world.settle()
    world.edit(serving={"batching": {"maxBatchSize": 16}})
    world.settle()
    records = world.look()[1].records
    assert [record.sequence for record in records] == [1, 2]


def test_what_is_said_of_a_record_is_read_back() -> None:
    record = stored(everything()["record"])
    record["metadata"]["annotations"] |= {
        "modelyard.dev/promoted": "true",
        "modelyard.dev/rejected": f'{{"reason": "GoldenMismatch", "message": "m", "at": "{TIME}"}}',
    }
    view = record_from(record)
    assert view.promoted
    assert view.rejection is not None
    assert (view.rejection.reason, view.rejection.at) == (Reason.GOLDEN_MISMATCH, NOW)


def test_a_record_that_is_no_snapshot_is_said_to_be_none() -> None:
    with pytest.raises(SnapshotUnreadable, match="buildKey"):
        record_from(stored(everything()["record"]) | {"data": {"schemaVersion": 1}})


def test_a_record_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    record = stored(everything()["record"])
    record["data"] = record["data"] | {"schemaVersion": 2, "newField": {"a": 1}}
    assert record_from(record).snapshot.revision == everything()["record"]["data"]["revision"]


def test_only_proxies_with_an_address_are_asked() -> None:
    labels = {"modelyard.dev/component": "proxy"}
    there = pod(podIP="10.0.0.1")
    there["metadata"]["labels"] = labels
    pending = pod()
    pending["metadata"]["labels"] = labels
    leaving = pod(podIP="10.0.0.2")
    leaving["metadata"] |= {"labels": labels, "deletionTimestamp": TIME}
    server = pod(podIP="10.0.0.3")
    server["metadata"]["labels"] = {"modelyard.dev/component": "triton"}
    assert [view.ip for view in proxy_pods([there, pending, leaving, server])] == ["10.0.0.1"]


# --- revisions ---


def test_a_quota_that_keeps_pods_from_being_made_is_seen() -> None:
    world = World()
    world.settle()
    for deployment in world.of("Deployment"):
        words = f'pods "{deployment["metadata"]["name"]}-7d4f-x2x4x" is forbidden: exceeded quota: pods=10'
        deployment["status"] = {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": words}]}
    have = world.look()[1]
    (view,) = have.revisions.values()
    assert view.failure == have.proxy.failure == "forbidden: exceeded quota: pods=10"


def test_pods_of_a_revision_whose_objects_are_gone_are_still_seen() -> None:
    world = World()
    world.settle()
    revision = world.status.stable_revision
    for kind in ("Deployment", "Service", "ConfigMap"):
        world.delete(kind, f"minilm-{revision}")
    world.delete("Service", f"minilm-{revision}-fallback")
    view = world.look()[1].revisions[revision]
    assert (view.replicas, view.ready_replicas, dict(view.objects)) == (None, 1, {})


# --- builds ---


def told(reason: str, message: str, second: int, **more: Any) -> dict[str, Any]:
    """Return an Event about a Job."""
    metadata = {"name": f"j.{reason}.{second}", "namespace": "n"}
    at = f"2026-01-02T03:04:{second:02}Z"
    event = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "reason": reason, "message": message}
    return stored(event | {"lastTimestamp": at} | more)


REFUSED = told("FailedCreate", 'Error creating: pods "b-1-x7z2p" is forbidden: exceeded quota: team', 7)


@pytest.mark.parametrize(
    ("events", "refusal"),
    [
        ([], None),
        ([told("SuccessfulCreate", "Created pod: b-1-x7z2p", 9)], None),
        ([REFUSED], "forbidden: exceeded quota: team"),
        ([REFUSED, told("SuccessfulCreate", "Created pod: b-1-aaaaa", 9)], None),
        ([told("SuccessfulCreate", "Created pod: b-1-aaaaa", 5), REFUSED], "forbidden: exceeded quota: team"),
        ([told("SuccessfulCreate", "Created pod: b-1-aaaaa", 7), REFUSED], "forbidden: exceeded quota: team"),
        ([REFUSED, told("Suspended", "Job suspended", 9)], "forbidden: exceeded quota: team"),
        (
            [REFUSED, told("FailedCreate", '(combined from similar events): Error creating: pods "b" is late', 8)],
            "late",
        ),
        (
            [told("FailedCreate", 'Error creating: admission webhook "x" denied the request: no', 7)],
            'admission webhook "x" denied the request: no',
        ),
        (
            [told("FailedCreate", "Error creating: b", 7, lastTimestamp=None, eventTime="2026-01-02T03:04:08.1Z")],
            "b",
        ),
    ],
)
def test_why_a_job_gets_no_pod_is_what_its_last_try_met(events: list[dict[str, Any]], refusal: str | None) -> None:
    assert refusal_in(events) == refusal


def test_the_words_of_a_refusal_are_the_same_at_each_try() -> None:
    """A pod's name is drawn anew each time: with it, each try would be written and told."""
    again = told("FailedCreate", 'Error creating: pods "b-1-qqqqq" is forbidden: exceeded quota: team', 9)
    assert refusal_in([REFUSED]) == refusal_in([again])


def test_a_pod_of_a_build_that_failed_is_over() -> None:
    assert build_pod_view(pod(phase="Failed")).failed
    assert not build_pod_view(pod(phase="Succeeded")).failed


def test_a_pod_of_a_build_that_was_evicted_has_the_kubelets_words() -> None:
    words = "The node was low on resource: ephemeral-storage. "
    view = build_pod_view(pod(phase="Failed", reason="Evicted", message=words))
    assert (view.failed, view.evicted) == (True, words)
    assert build_pod_view(pod(phase="Failed", reason="NodeLost", message="m")).evicted is None


def test_a_build_as_its_pass_sees_it() -> None:
    build = stored(everything()["build"], ownerReferences=[{"uid": "m", "kind": "OptimizedModel"}])
    want = build_desired_from(build, DEFAULTS, None)
    assert (want.owners, want.created_at, want.deleting) == (1, NOW, False)
    job = stored(everything()["build-job"])
    job["metadata"]["ownerReferences"][0]["uid"] = "u"
    job["status"] = {
        "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}]
    }
    ours, formers = pod(), pod()  # a build made anew has the name of the former, whose pods end in their own time
    formers["metadata"]["name"] = "f"
    for child, uid in ((ours, job["metadata"]["uid"]), (formers, "former")):
        child["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "j", "uid": uid, "controller": True}]
    have = build_observed_from(build, [job, ours, formers], NOW)
    assert [(j.attempt, j.memory_limit, j.complete, j.failed) for j in have.jobs] == [
        (1, 2 << 30, False, "BackoffLimitExceeded")
    ]
    assert [p.name for p in have.pods] == ["p"]


def test_a_job_without_a_memory_limit_has_none() -> None:
    build, job = stored(everything()["build"]), stored(everything()["build-job"])
    job["metadata"]["ownerReferences"][0]["uid"] = "u"
    for step in job["spec"]["template"]["spec"]["initContainers"]:
        step.pop("resources", None)
    assert build_observed_from(build, [job], NOW).jobs[0].memory_limit is None


def test_a_build_of_a_newer_version_is_not_understood() -> None:
    build = stored(everything()["build"])
    build["spec"] = build["spec"] | {"teleport": 1}
    spec = build_desired_from(build, DEFAULTS, None).spec
    assert isinstance(spec, SpecNotUnderstood)
    assert str(spec).endswith("upgrade the operator, or delete the build, and it is made anew")


def test_a_reason_that_a_newer_version_wrote_is_no_reason_to_fall_over() -> None:
    build = stored(everything()["build"]) | {"status": {"phase": "Failed", "reason": "Gremlins", "message": "m"}}
    view = build_view(build, "m")
    assert (view.reason, view.message, view.owned) == (None, "m", False)
