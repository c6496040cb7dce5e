"""What breaks on the way of a new model mends itself: Healthy without a hand, one build, no orphan."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from modelyard.contract.steps import Step
from tests.e2e.builds import assert_one_build
from tests.e2e.episodes import BUILD_STAGES, FIRST_SWITCH_STAGES, MODEL, build_reaches
from tests.e2e.faults import aimed_at_leader, delete_at_once, fresh_operators, kill_container, kill_leader
from tests.e2e.kit import BuiltAlready
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


def test_operator_dies_while_a_new_model_is_resolved(yard: Yard, fresh_source: Object) -> None:
    fresh_operators(yard.cluster)
    kill = aimed_at_leader(yard.cluster)
    yard.submit(MODEL, fresh_source)
    kill()
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=1)


@pytest.mark.parametrize("stage", BUILD_STAGES)
def test_operator_dies_while_a_new_model_is_at(yard: Yard, fresh_source: Object, stage: str) -> None:
    fresh_operators(yard.cluster)
    yard.submit(MODEL, fresh_source)
    BUILD_STAGES[stage](yard)
    kill_leader(yard.cluster)
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=1)


@pytest.mark.parametrize("stage", FIRST_SWITCH_STAGES)
def test_operator_dies_while_a_new_model_that_was_built_before_is_at(
    yard: Yard, tiny_source: Object, built_already: BuiltAlready, stage: str
) -> None:
    built_already(yard)
    fresh_operators(yard.cluster)
    yard.submit(MODEL, tiny_source)
    FIRST_SWITCH_STAGES[stage](yard)
    kill_leader(yard.cluster)
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
