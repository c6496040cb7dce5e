"""What breaks while a build runs mends itself: Healthy without a hand, one build, no orphan."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from modelyard.contract.steps import Step
from tests.e2e.builds import assert_one_build
from tests.e2e.episodes import MODEL, build_reaches
from tests.e2e.faults import kill_container, kill_leader
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("step", list(Step))
def test_operator_dies_while_a_build_is_at(yard: Yard, fresh_source: Object, step: Step) -> None:
    yard.submit(MODEL, fresh_source)
    build_reaches(yard, step)
    kill_leader(yard.cluster)
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=1)


def test_build_pod_dies_while_converting(yard: Yard, fresh_source: Object) -> None:
    yard.submit(MODEL, fresh_source)
    kill_container(build_reaches(yard, Step.CONVERT), Step.CONVERT)
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=2)


def test_build_pod_is_deleted_while_converting(yard: Yard, fresh_source: Object) -> None:
    yard.submit(MODEL, fresh_source)
    pod = build_reaches(yard, Step.CONVERT)
    yard.cluster.run("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    yard.healthy(MODEL)
    assert_one_build(yard, MODEL, pods=2)
