"""A suspended model tells how far it is, starts nothing new, and serves on."""

from __future__ import annotations

import pytest

from modelyard.state.plan import Create
from tests.modelyard.planner.world import BATCH_16, MISSED, World, held, serving, up_to_ready


def conditions(world: World) -> dict[str, tuple[str, str]]:
    """Return the conditions' statuses and reasons by type."""
    return {c.type: (c.status, c.reason) for c in world.status.conditions}


def test_a_suspended_model_starts_nothing_and_heals() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(suspend=True, serving=BATCH_16 | {"replicas": 2})
    world.delete("Service", f"minilm-{stable}")
    world.settle()
    assert world.status.phase == "Suspended"
    assert (world.revisions(), world.status.ready_replicas) == ({stable}, 2)
    world.edit(suspend=False)
    world.settle()
    assert world.status.stable_revision != stable


def test_a_command_waits_while_the_model_is_suspended() -> None:
    world, revision = held()
    world.edit(suspend=True)
    world.command(f"promote {revision} 1")
    world.settle()
    assert world.status.last_handled_command == ""
    world.edit(suspend=False)
    world.settle()
    assert world.status.stable_revision == revision


def test_what_was_found_stays_found() -> None:
    world = serving()
    before, status = conditions(world), world.status
    world.edit(suspend=True)
    plan = world.passes()
    assert (plan.actions, plan.requeue_after) == ((), None)
    assert world.status.phase == "Suspended"
    assert conditions(world) == before | {"Ready": ("False", "Suspended")}
    assert (world.status.target_revision, world.status.rollout) == (status.target_revision, status.rollout)
    world.edit(suspend=False)
    world.passes()
    assert (world.status.phase, conditions(world)) == ("Healthy", before)


def test_a_spec_that_changes_meanwhile_is_followed_afterwards() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(suspend=True)
    world.passes()
    world.edit(serving=BATCH_16)
    world.settle()
    assert world.status.target_revision == stable
    assert conditions(world)["RolloutComplete"] == ("False", "Suspended"), "what the spec asks for is not rolled out"
    world.edit(suspend=False)
    world.settle()
    assert world.status.stable_revision != stable


def before_the_build(world: World) -> None:
    """Come as far as a record."""
    world.passes()


def before_the_weight(world: World) -> None:
    """Come as far as a candidate that is ready."""
    up_to_ready(world)
    world.proxies_check()


def before_the_proxies(world: World) -> None:
    """Come as far as a weight that no proxy has read."""
    before_the_weight(world)
    world.passes()


@pytest.mark.parametrize("stage", [before_the_build, before_the_weight, before_the_proxies])
def test_a_roll_out_stands_still_where_it_is(stage: object) -> None:
    world = serving()
    world.edit(task="Embedding", serving=BATCH_16)
    assert callable(stage)
    stage(world)
    routes, target = world.routes, world.look()[1].records[-1].snapshot.revision
    world.edit(suspend=True)
    plan = world.passes(3)
    assert not any(isinstance(action, Create) for action in plan.actions)
    assert world.routes == routes
    assert (world.status.phase, world.status.target_revision) == ("Suspended", target)
    assert conditions(world)["RolloutComplete"] == ("False", "Suspended")
    world.edit(suspend=False)
    world.settle()
    assert world.status.stable_revision == target


def test_what_keeps_the_target_from_traffic_is_told_and_nothing_is_done_about_it() -> None:
    world = serving()
    world.edit(task="Embedding")
    world.passes(3)
    world.build_ends(**MISSED)
    world.settle()
    assert world.status.phase == "Degraded"
    world.edit(suspend=True)
    world.passes()
    assert (world.status.phase, "Stalled" in conditions(world)) == ("Suspended", False)
    assert conditions(world)["ParityVerified"] == ("False", "ParityMissed")


def test_a_build_that_somebody_deletes_meanwhile_is_made_afterwards() -> None:
    world = serving()
    world.edit(suspend=True)
    (build,) = world.of("ModelBuild")
    world.delete("ModelBuild", build["metadata"]["name"])
    world.passes()
    assert world.of("ModelBuild") == []
    assert conditions(world)["RolloutComplete"][0] == "True"
    (converted,) = (c for c in world.status.conditions if c.type == "Converted")
    assert (converted.status, converted.reason) == ("Unknown", "Suspended")
    assert f"build {build['metadata']['name']} is not there" in converted.message
    world.edit(suspend=False)
    world.settle()
    assert world.status.phase == "Healthy"
