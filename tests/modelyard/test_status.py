"""What a person and their tools read: kstatus, Argo CD's phases, one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelyard.api.status import OptimizedModelStatus
from modelyard.contract.steps import BuildReason
from modelyard.planner import plan_model
from modelyard.reasons import ADVICE, NONE, PASSING, Reason
from modelyard.state.observed import PinFailed, Rejection
from modelyard.status import status_of
from modelyard.transitions import events_of
from tests.modelyard.planner.world import BATCH_16, World, serving


def conditions(world: World) -> dict[str, str]:
    """Return the conditions' statuses by type."""
    return {c.type: c.status for c in world.status.conditions}


@pytest.mark.parametrize("reason", [reason for reason in Reason if ADVICE[reason].fix != NONE])
def test_trouble_is_told_with_its_fix_wherever_a_person_looks(reason: Reason) -> None:
    world = World()
    world.pin = PinFailed(reason=reason, message="what the world said.")
    world.passes()
    fix = ADVICE[reason].fix.removesuffix(".")
    told = f"what the world said; {fix[0].lower()}{fix[1:]}"
    status = world.status
    messages = {condition.type: condition.message for condition in status.conditions}
    kind = "Reconciling" if reason in PASSING else "Stalled"
    assert [status.message, messages["Ready"], messages["SourceResolved"], messages[kind]] == [told] * 4
    assert [event.message for event in events_of(OptimizedModelStatus(), status)] == [told]


def test_the_first_write_has_ready_and_the_generation() -> None:
    world = World()
    world.passes()
    assert conditions(world)["Ready"] == "False"
    assert conditions(world)["Reconciling"] == "True"
    assert world.status.observed_generation == 1


def test_a_model_that_serves_is_ready_and_nothing_else_is_told() -> None:
    world = serving()
    assert conditions(world) == {
        "Ready": "True",
        "SourceResolved": "True",
        "Converted": "True",
        "ParityVerified": "True",
        "RolloutComplete": "True",
        "Serving": "True",
    }


def test_a_model_that_serves_says_what_and_how_well() -> None:
    status = serving().status
    assert status.message == (
        f"revision {status.stable_revision} has all of the traffic: OpenVINO BF16, 4.2 times as fast as the original "
        "at batch 8, p1Cosine 0.9996, neighboursKept 0.99"
    )


def test_the_columns_show_what_serves() -> None:
    status = serving().status
    assert (status.phase, status.engine, status.precision, status.speedup) == ("Healthy", "OpenVINO", "BF16", "4.2")
    assert status.stable_revision == status.target_revision
    assert status.rollout is not None
    assert (status.rollout.weight, status.weights.stable, status.weights.candidate) == (100, 100, 0)
    (artifact,) = status.artifacts
    assert (artifact.revision, artifact.size) == (status.stable_revision, 43_000_000)
    assert artifact.parity["p1Cosine"] == "0.9996"
    assert artifact.speedup == {"batch8": "4.20"}
    assert artifact.ref.endswith(f"/n/{status.build}@{artifact.digest}")


def test_endpoints_and_the_scale_subresource() -> None:
    world = serving(serving={"replicas": 2})
    status = world.status
    assert status.endpoints.http == "http://minilm.n.svc:8000"
    assert status.endpoints.grpc == "minilm.n.svc:8001"
    assert (status.replicas, status.ready_replicas) == (2, 2)
    assert dict(pair.split("=") for pair in status.selector.split(",")) == {
        "modelyard.dev/model": "minilm",
        "modelyard.dev/component": "triton",
        "modelyard.dev/revision": status.stable_revision,
    }


def test_a_new_revision_on_its_way_leaves_serving_true_and_shows_who_serves() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(serving=BATCH_16)
    world.passes(2)
    status = world.status
    assert (status.phase, status.stable_revision) == ("Progressing", stable)
    assert status.target_revision != stable
    assert (conditions(world)["Serving"], conditions(world)["Ready"]) == ("True", "False")
    assert status.rollout is not None
    assert (status.rollout.revision, status.rollout.weight) == (status.target_revision, 0)


def test_a_failed_revision_is_degraded_and_still_serving() -> None:
    world = serving()
    world.edit(task="Embedding")
    world.passes(3)
    world.build_ends(phase="Failed", reason=BuildReason.UNSUPPORTED_ARCHITECTURE, message="GPT-J")
    world.passes()
    assert world.status.phase == "Degraded"
    assert (conditions(world)["Ready"], conditions(world)["Serving"], conditions(world)["Stalled"]) == (
        "False",
        "True",
        "True",
    )
    assert "Reconciling" not in conditions(world)


def test_a_condition_keeps_its_time_while_its_status_is_the_same() -> None:
    world = serving()
    before = {c.type: c.last_transition_time for c in world.status.conditions}
    world.later(hours=1)
    world.edit(serving={"replicas": 1})
    world.passes()
    assert {c.type: c.last_transition_time for c in world.status.conditions} == before
    assert {c.observed_generation for c in world.status.conditions} == {2}


def test_the_time_of_a_verified_weight_stays() -> None:
    world = serving()
    assert world.status.rollout is not None
    at = world.status.rollout.weight_verified_at
    world.later(hours=1)
    world.passes()
    assert world.status.rollout.weight_verified_at == at


def test_every_number_is_a_string_or_whole() -> None:
    def floats(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [found for child in value.values() for found in floats(child)]
        if isinstance(value, list):
            return [found for child in value for found in floats(child)]
        return [value] if isinstance(value, float) else []

    assert floats(serving().model["status"]) == []


def test_a_model_on_its_way_out_is_not_written_to() -> None:
    world = serving()
    world.model["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    writes = world.writes
    plan = world.passes()
    assert (plan.actions, plan.requeue_after, world.writes) == ((), None, writes)


def test_proxies_that_can_not_run_are_said() -> None:
    world = World()
    for _ in range(5):
        world.passes()
        world.build_ends()
        world.controllers()
    for pod in world.pods({"modelyard.dev/component": "proxy"}):
        pod["status"]["conditions"][0] |= {"reason": "Unschedulable", "message": "0/1 nodes"}
    world.passes()
    assert world.status.phase == "Degraded"
    fix = "lower traffic.proxy.resources.requests, or add a node"
    assert world.status.message == f"the proxy can't run: 0/1 nodes; {fix}"


def test_without_a_ready_proxy_nothing_is_served() -> None:
    world = serving()
    for pod in world.pods({"modelyard.dev/component": "proxy"}):
        pod["status"]["conditions"][1]["status"] = "False"
    world.passes()
    assert conditions(world)["Serving"] == "False"
    assert next(c.reason for c in world.status.conditions if c.type == "Serving") == Reason.PROXY_NOT_READY


def test_without_a_ready_server_nothing_is_served() -> None:
    world = serving()
    world.crash(world.status.stable_revision)
    world.passes()
    assert (world.status.phase, conditions(world)["Serving"]) == ("Progressing", "False")


@pytest.mark.parametrize("field", ["deleting", "spec"])
def test_status_of_what_is_not_ours_to_judge_is_left_as_it_is(field: str) -> None:
    world = serving()
    if field == "spec":
        world.edit(teleport=True)
    else:
        world.model["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    want, have = world.look()
    plan = world.passes()
    after = status_of(want, have, plan)
    assert (after.stable_revision, after.artifacts, after.weights) == (
        want.status.stable_revision,
        want.status.artifacts,
        want.status.weights,
    )


def test_a_revision_that_two_records_reject_is_listed_once() -> None:
    """The list is a map by revision: the API server would refuse it twice."""
    world = serving()
    want, have = world.look()
    rejection = Rejection(reason=Reason.GOLDEN_MISMATCH, message="sample 3", at=have.now)
    record = replace(have.records[-1], rejection=rejection)
    twice = replace(have, records=(record, replace(record, sequence=record.sequence + 1)))
    [rejected] = status_of(want, twice, plan_model(want, twice)).rejected
    assert (rejected.revision, rejected.reason) == (record.snapshot.revision, Reason.GOLDEN_MISMATCH)
