"""A build is paid for once: by every model of the namespace that needs it, and by those that come later."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from modelyard.planner.build import OWNERLESS_GRACE
from tests.e2e.kit import MakeYard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def built(make_yard: MakeYard, tiny_source: Object) -> Yard:
    """A namespace in which the tiny model was built for a model named ``first``."""
    yard = make_yard("cache")
    yard.submit("first", tiny_source)
    yard.healthy("first")
    return yard


def test_second_model_shares_the_build(built: Yard, tiny_source: Object) -> None:
    before = built.build_pods_started()
    built.submit("second", tiny_source)
    second = built.healthy("second")
    assert built.build_pods_started() == before
    [build] = built.cluster.list("modelbuilds")
    assert build["metadata"]["name"] == second["status"]["build"]
    built.remove("second")


def test_build_lives_as_long_as_a_model_needs_it(built: Yard, tiny_source: Object) -> None:
    built.submit("third", tiny_source, serving={"modelName": "other"})
    build = built.healthy("third")["status"]["build"]
    built.submit("fourth", tiny_source)
    built.healthy("fourth")
    built.remove("third")
    assert built.cluster.get("modelbuild", build) is not None
    for name in ("fourth", "first"):
        built.cluster.run("delete", "optimizedmodel", name, "--ignore-not-found", "--wait")
    wait_for(
        lambda: built.cluster.get("modelbuild", build) is None,
        # A pass that was under way while its model went may have made it anew; then it is nobody's.
        seconds=OWNERLESS_GRACE.total_seconds() + 30,
        what="rid of the build",
        cluster=built.cluster,
    )
    # What the other tests of this module start from.
    built.submit("first", tiny_source)
    built.healthy("first")


def test_registry_is_enough(make_yard: MakeYard, tiny_source: Object) -> None:
    """Everything of a namespace is deleted; made again under its name, it starts no Job."""
    yard = make_yard("reborn")
    yard.submit("tiny", tiny_source)
    digest = yard.healthy("tiny")["status"]["artifacts"][0]["digest"]
    yard.cluster.run("delete", "namespace", yard.name, "--wait", seconds=180)
    reborn = make_yard("reborn")
    reborn.submit("tiny", tiny_source)
    model = reborn.healthy("tiny")
    assert model["status"]["artifacts"][0]["digest"] == digest
    assert not reborn.build_pods_started()


def test_building_twice_gives_one_digest(make_yard: MakeYard, built: Yard, tiny_source: Object) -> None:
    """Another namespace has a cache of its own, so it builds for itself, and gets the same bytes."""
    elsewhere = make_yard("elsewhere")
    elsewhere.submit("tiny", tiny_source)
    there = elsewhere.healthy("tiny")["status"]["artifacts"][0]
    [here] = built.cluster.list("modelbuilds")
    assert elsewhere.build_pods_started().total() == 1
    assert there["digest"] == here["status"]["result"]["artifact"]["digest"]
