"""Builds that fail for want of memory, room or time: said with the fix."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.kit import WithValues
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

TOO_LITTLE = "256Mi"
"""Less than it takes to load torch."""


def test_a_limit_that_the_user_set_is_never_exceeded(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, build={"resources": {"limits": {"memory": TOO_LITTLE}}})
    message = yard.told("m", "OutOfMemory")
    assert "build.resources.limits.memory" in message
    assert not yard.cluster.list("jobs"), "it would only make another pod, to be killed again"
    assert yard.build_pods_started().total() == 1


@pytest.mark.alone
def test_without_a_limit_of_the_users_it_is_tried_again_with_what_it_asks(
    yard: Yard, tiny_source: Object, with_values: WithValues
) -> None:
    with with_values(f"builds.resources.limits.memory={TOO_LITTLE}", f"builds.resources.requests.memory={TOO_LITTLE}"):
        yard.submit("m", tiny_source)
        yard.healthy("m")
    assert yard.build_pods_started().total() == 2


def test_build_that_no_node_can_hold(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, build={"resources": {"requests": {"memory": "900Gi"}}})
    assert "memory" in yard.told("m", "NoNodeFits")


def test_build_that_takes_too_long(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, build={"timeout": "3s"})
    assert "build.timeout" in yard.told("m", "DeadlineExceeded")
