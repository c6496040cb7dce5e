"""What a refresh would change is told, setting by setting; and a refresh changes exactly that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from modelyard.api.pod import ResourcesSpec
from modelyard.state.desired import Registry
from tests.modelyard.planner.world import BATCH_16, IMAGES, World, serving

CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "operator": ({"images": replace(IMAGES, operator="o:9")}, ["operator image: operator:1 -> o:9"]),
    "runtime": ({"images": replace(IMAGES, runtime="r:9")}, ["runtime image: runtime:1 -> r:9"]),
    "triton": ({"images": replace(IMAGES, triton="t:9")}, ["triton image: triton:1 -> t:9"]),
    "envoy": ({"images": replace(IMAGES, envoy="e:9")}, ["proxy image: envoy:1 -> e:9"]),
    "registry": (
        {"registry": Registry(push="push.example.com", pull="new.example.com", plain_http=True, pull_secret="s")},  # noqa: S106 - a name
        ["registry: pull.example.com -> new.example.com", "plain http: false -> true", "pull secret: null -> s"],
    ),
    "resources": (
        {"serving_resources": ResourcesSpec(requests={"cpu": "1"})},
        ['resources: {"limits":{},"requests":{"cpu":"200m","memory":"512Mi"}} -> {"limits":{},"requests":{"cpu":"1"}}'],
    ),
    "drain": ({"drain_seconds": 60}, ["drain seconds: 15 -> 60"]),
    "exploits": ({"allow_insecure_server": True}, ["allow insecure server: false -> true"]),
    "what a build's pod may use": ({"build_resources": ResourcesSpec()}, []),
    "where builds push": ({"registry": Registry(push="other.example.com", pull="pull.example.com")}, []),
}


def retried() -> World:
    """Return a world in which a model serves its second attempt."""
    world = World()
    world.passes(3)
    world.build_ends(phase="Failed", reason="PodLost")
    world.settle()
    world.command(f"retry {world.status.target_revision} 1")
    world.settle()
    assert world.status.phase == "Healthy"
    return world


@pytest.mark.parametrize("begin", [serving, retried])
@pytest.mark.parametrize("what", CHANGES)
def test_a_setting_that_moved_on_is_told_until_a_refresh(what: str, begin: Callable[[], World]) -> None:
    settings, told = CHANGES[what]
    world = begin()
    before = world.status.stable_revision
    world.defaults = replace(world.defaults, **settings)
    assert world.passes().actions == ()
    assert world.status.outdated == told
    world.command(f"refresh {before} 1")
    world.settle()
    assert world.status.outdated == []
    serves_otherwise = bool(told) and what != "envoy"  # the proxy is no part of a revision
    assert (world.status.stable_revision != before) is serves_otherwise


def test_what_the_user_changes_is_not_outdated() -> None:
    world = serving()
    world.edit(serving=BATCH_16)
    for _ in range(4):
        world.passes()
        assert world.status.outdated == []


def test_after_a_rollback_nothing_is_told_until_a_refresh_takes_the_model_back_to_its_spec() -> None:
    world = serving()
    first = world.status.stable_revision
    world.edit(serving=BATCH_16)
    world.settle()
    second = world.status.stable_revision
    world.command(f"rollback {first} 1")
    world.settle()
    assert (world.status.stable_revision, world.status.outdated) == (first, [])
    world.command(f"refresh {first} 2")
    world.settle()
    assert (world.status.stable_revision, world.status.outdated) == (second, [])
