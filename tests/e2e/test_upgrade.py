"""An operator of another version, with other images, takes over: nothing that runs is built, started or moved."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from tests.e2e.answers import assert_clean, under_load
from tests.e2e.faults import operator_pods
from tests.e2e.kit import BuiltAlready, WithValues
from tests.e2e.other_images import ANOTHER, IMAGES, under_another_name
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


@pytest.fixture
def other_images(yard: Yard) -> tuple[str, ...]:
    """The chart's values for images that are the same under another name."""
    return under_another_name(yard.cluster)


def test_nothing_moves(
    yard: Yard,
    tiny_source: Object,
    tiny: SentenceEncoder,
    built_already: BuiltAlready,
    with_values: WithValues,
    other_images: tuple[str, ...],
) -> None:
    built_already(yard)
    yard.submit("m", tiny_source)
    before = yard.healthy("m")["status"]
    pods, started = lives(yard), yard.build_pods_started()
    with under_load(yard, "m", tiny) as load, with_values(*other_images):
        assert {pod["spec"]["containers"][0]["image"] for pod in operator_pods(yard.cluster)} == {
            f"{IMAGES['operator']}:{ANOTHER}"
        }
        outdated = wait_for(
            lambda: yard.model("m")["status"]["outdated"], seconds=60, what="told outdated", cluster=yard.cluster
        )
        after = yard.model("m")["status"]
        assert lives(yard) == pods
    assert_clean(load, tiny, before["stableRevision"])
    assert outdated
    assert (after["phase"], after["stableRevision"]) == ("Healthy", before["stableRevision"])
    assert yard.build_pods_started() == started


def lives(yard: Yard) -> dict[str, int]:
    """Return the pods that serve and route, and how often their containers were started again."""
    return {
        pod["metadata"]["uid"]: sum(status["restartCount"] for status in pod["status"]["containerStatuses"])
        for pod in yard.cluster.list("pods", "modelyard.dev/model=m")
    }
