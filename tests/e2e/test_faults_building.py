"""What breaks on the way of a new model mends itself: Healthy without a hand, one build, no orphan."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from modelyard.contract.steps import Step
from tests.e2e.builds import assert_one_build
from tests.e2e.episodes import FIRST_SWITCH_STAGES, MODEL, being_resolved, build_held, build_reaches, switch_at
from tests.e2e.faults import aimed_at_leader, delete_at_once, kill_container
from tests.e2e.kit import BuiltAlready
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


def test_operator_dies_while_a_new_model_is_resolved(yard: Yard, fresh_source: Object) -> None:
    with aimed_at_leader(yard.cluster) as leader, being_resolved(yard, fresh_source, leader):
        leader.kill()
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=1)


@pytest.mark.parametrize("step", Step)
def test_operator_dies_while_a_new_model_is_at(yard: Yard, fresh_source: Object, step: Step) -> None:
    yard.submit(MODEL, fresh_source)
    with build_held(yard, step), aimed_at_leader(yard.cluster) as leader:
        leader.kill()
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=1)


@pytest.mark.parametrize("stage", FIRST_SWITCH_STAGES)
def test_operator_dies_while_a_new_model_that_was_built_before_is_at(
    yard: Yard, tiny_source: Object, built_already: BuiltAlready, stage: str
) -> None:
    built_already(yard)
    with aimed_at_leader(yard.cluster) as leader:
        yard.submit(MODEL, tiny_source)
        with switch_at(yard, stage):
            leader.kill()
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=0)


def test_build_pod_dies_while_converting(yard: Yard, fresh_source: Object) -> None:
    yard.submit(MODEL, fresh_source)
    kill_container(build_reaches(yard, Step.CONVERT), Step.CONVERT)
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=2)


def test_build_pod_is_deleted_while_converting(yard: Yard, fresh_source: Object) -> None:
    yard.submit(MODEL, fresh_source)
    delete_at_once(yard.cluster, build_reaches(yard, Step.CONVERT))
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=2)
