"""What a weight that was verified stays through: clusters that come and go, and proxies that are late."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelyard.naming import COMPONENT_LABEL
from tests.modelyard.planner.world import BATCH_16, World, serving, up_to_ready


def switched() -> tuple[World, str]:
    """Return a world in which a new revision has just got the traffic, verified; and the former one's name."""
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    up_to_ready(world)
    world.proxies_check()
    world.passes()
    world.proxies_read()
    world.passes()
    assert world.status.phase == "Healthy"
    return world, old


def candidate_known(world: World) -> None:
    """Bring a new target up until the routes name it; no proxy has read them yet."""
    for _ in range(5):
        world.passes()
        world.controllers()
        world.schedule()
    assert len(world.routes.clusters) == 2


def verified_at(world: World) -> object:
    """Return when the target's weight was verified, as the status tells it."""
    assert world.status.rollout is not None
    return world.status.rollout.weight_verified_at


def complete(world: World) -> tuple[str, str]:
    """Return what the status tells of the roll-out."""
    return next((c.status, c.reason) for c in world.status.conditions if c.type == "RolloutComplete")


def test_a_model_stays_healthy_while_the_former_revision_retires() -> None:
    world, old = switched()
    at = verified_at(world)
    assert at is not None
    for read in (False, False, True):
        world.later(seconds=31)
        world.passes()
        assert old not in world.routes.clusters
        assert old in world.revisions(), "no proxy has read it yet"
        assert (world.status.phase, complete(world), verified_at(world)) == ("Healthy", ("True", "RolledOut"), at)
        if read:
            world.proxies_read()
    world.passes()
    assert old not in world.revisions()
    assert (world.status.phase, verified_at(world)) == ("Healthy", at)


def another_proxy(world: World) -> None:
    """Let a proxy's pod be replaced by one that doesn't answer yet."""
    world.delete("Pod", world.live_proxies()[0])
    world.controllers()
    world.schedule("proxy")


def mute_proxy(world: World) -> None:
    """Let a proxy answer nothing when it is asked for its routes."""
    world.proxies[world.live_proxies()[0]].hash = None


@pytest.mark.parametrize("happens", [another_proxy, mute_proxy])
def test_a_proxy_that_is_new_takes_back_no_weight_that_was_verified(happens: Callable[[World], None]) -> None:
    world = serving()
    at, stable = verified_at(world), world.status.stable_revision
    world.later(hours=1)
    happens(world)
    world.passes()
    assert (world.status.phase, world.status.stable_revision, verified_at(world)) == ("Healthy", stable, at)
    assert world.pods({COMPONENT_LABEL: "proxy"})


def test_stable_keeps_all_of_the_traffic_while_the_proxies_learn_of_a_candidate() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(serving=BATCH_16)
    candidate_known(world)
    status = world.status
    assert (status.stable_revision, status.weights.stable, status.weights.candidate) == (stable, 100, 0)
    assert status.rollout is not None
    assert (status.rollout.revision, status.rollout.weight) == (status.target_revision, 0)
    assert verified_at(world) is None
    assert complete(world)[0] == "False"


def test_who_goes_back_to_stable_before_the_switch_is_where_it_was() -> None:
    """The proxies may still learn of the candidate: that moved no weight."""
    world = serving()
    stable = world.status.stable_revision
    world.edit(serving=BATCH_16)
    candidate_known(world)
    world.edit(serving={})
    world.passes(2)
    assert (world.status.stable_revision, world.status.target_revision) == (stable, stable)
    assert (world.status.phase, complete(world)[0]) == ("Healthy", "True")


def test_stable_is_who_every_proxy_was_seen_to_send_requests_to() -> None:
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    new = up_to_ready(world)
    world.proxies_check()
    world.passes()
    assert dict(world.routes.weights) == {new: 100}
    status = world.status
    assert (status.stable_revision, status.weights.stable, status.weights.candidate) == (old, 0, 100)
    assert status.rollout is not None
    assert (status.rollout.revision, status.rollout.weight, status.rollout.weight_verified_at) == (new, 100, None)
    world.proxies_read()
    world.passes()
    assert (world.status.stable_revision, world.status.weights.stable) == (new, 100)


def test_a_weight_that_comes_back_is_verified_anew() -> None:
    """What was noted of the same weights before is nothing that the proxies do now."""
    world, old = switched()
    world.later(seconds=1)
    world.edit(serving={})
    world.passes(2)
    assert dict(world.routes.weights) == {old: 100}
    world.later(hours=1)
    world.passes()
    assert (world.status.phase, verified_at(world)) == ("Progressing", None)
    assert world.status.stable_revision != old


def test_the_time_of_a_verified_weight_is_told_by_the_world_alone() -> None:
    """An operator that lost its status lands in the same place."""
    world = serving()
    before = world.status
    world.later(hours=1)
    world.model["status"] = {}
    world.passes()
    assert (world.status.stable_revision, world.status.rollout) == (before.stable_revision, before.rollout)
