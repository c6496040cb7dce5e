"""Builds that fail for want of memory, room or time: said with the fix."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from modelyard.api.base import quantity_bytes
from tests.e2e.kit import WithValues
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

TOO_LITTLE = "256Mi"
"""Less than it takes to load torch."""
STEP = quantity_bytes("64Mi")
"""What the second limit is rounded up to a multiple of."""


def test_a_limit_that_the_user_set_is_never_exceeded(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, build={"resources": {"limits": {"memory": TOO_LITTLE}}})
    message = yard.told("m", "OutOfMemory")
    assert "raise build.resources.limits.memory" in message
    assert f"it asked for {estimate(yard) / 2**30:.2f} GiB" in message, "written before it loads what it dies of"
    assert estimate(yard) > quantity_bytes(TOO_LITTLE)
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
    [job] = [job for job in yard.cluster.list("jobs") if job["metadata"]["name"].endswith("-2")]
    [convert] = [c for c in job["spec"]["template"]["spec"]["initContainers"] if c["name"] == "convert"]
    asked = estimate(yard)
    assert asked <= quantity_bytes(convert["resources"]["limits"]["memory"]) < asked + STEP


def estimate(yard: Yard) -> int:
    """Return what the namespace's only build said that it needs, in bytes."""
    [build] = yard.cluster.list("modelbuilds")
    return int(build["status"]["memoryEstimateBytes"])


def test_build_that_no_node_can_hold(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, build={"resources": {"requests": {"memory": "900Gi"}}})
    message = yard.told("m", "NoNodeFits")
    assert "Insufficient memory" in message
    assert "lower build.resources.requests or add a node" in message


QUOTA: Object = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "full"},
    "spec": {"hard": {"pods": "0"}},
}


def test_build_that_a_quota_gives_no_pod_goes_on_once_it_does(yard: Yard, tiny_source: Object) -> None:
    yard.cluster.apply(QUOTA)
    yard.cluster.wait(
        "resourcequota", "full", lambda seen: "hard" in seen.get("status", {}), seconds=60, what="counted"
    )
    yard.submit("m", tiny_source)
    message = yard.told("m", "NoRoom")
    assert "exceeded quota: full, requested: pods=1" in message
    assert "raise the quota, or lower build.resources" in message
    assert yard.model("m")["status"]["phase"] == "Progressing", "it goes on by itself"
    yard.cluster.run("delete", "resourcequota", "full")
    yard.healthy("m")
    assert list(yard.build_pods_started().values()) == [1], "no try was spent on it"


def test_build_that_takes_too_long(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, build={"timeout": "3s"})
    message = yard.told("m", "DeadlineExceeded")
    assert "3s" in message
    assert "raise build.timeout" in message
