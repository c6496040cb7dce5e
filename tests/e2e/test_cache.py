"""A build is paid for once: by every model of the namespace that needs it, and by those that come later."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from tests.e2e.answers import assert_agrees
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
    generation = built.healthy("fourth")["metadata"]["generation"]
    before, started = metadata(built, build), built.build_pods_started()
    built.remove("third")
    wait_for(
        lambda: "third" not in {owner["name"] for owner in metadata(built, build)["ownerReferences"]},
        seconds=60,
        what="rid of the reference",
        cluster=built.cluster,
    )
    # Healthy for another generation: who is left was looked at since, and would have made a build that is missing.
    built.submit("fourth", tiny_source, rollout={"progressDeadline": "16m"})
    assert built.healthy("fourth")["metadata"]["generation"] > generation
    assert metadata(built, build)["uid"] == before["uid"]
    assert built.build_pods_started() == started
    for name in ("fourth", "first"):
        built.cluster.run("delete", "optimizedmodel", name, "--ignore-not-found", "--wait")
    wait_for(
        lambda: built.cluster.get("modelbuild", build) is None,
        seconds=60,
        what="rid of the build",
        cluster=built.cluster,
    )
    # What the other tests of this module start from.
    built.submit("first", tiny_source)
    built.healthy("first")


def metadata(yard: Yard, build: str) -> Object:
    """Return a build's metadata."""
    found = yard.cluster.get("modelbuild", build)
    assert found is not None
    return dict(found["metadata"])


def test_what_another_namespace_builds_is_the_same_and_outlives_it(
    make_yard: MakeYard, built: Yard, tiny_source: Object
) -> None:
    """It has a cache of its own, so it builds for itself; made anew under its name, it starts no Job."""
    elsewhere = make_yard("elsewhere")
    elsewhere.submit("tiny", tiny_source)
    digest = elsewhere.healthy("tiny")["status"]["artifacts"][0]["digest"]
    [here] = built.cluster.list("modelbuilds")
    assert elsewhere.build_pods_started().total() == 1
    assert digest == here["status"]["result"]["artifact"]["digest"]
    elsewhere.cluster.run("delete", "namespace", elsewhere.name, "--wait", seconds=180)
    reborn = make_yard("elsewhere")
    reborn.submit("tiny", tiny_source)
    assert reborn.healthy("tiny")["status"]["artifacts"][0]["digest"] == digest
    assert not reborn.build_pods_started()


def test_what_one_namespace_proved_is_promoted_to_another_by_its_digest(
    make_yard: MakeYard, built: Yard, tiny_folder: Path
) -> None:
    """No Job runs there, and what is served is what was proven: its gates are held against the report that it has."""
    [proven] = built.model("first")["status"]["artifacts"]
    source = {"artifact": {"ref": proven["ref"]}}
    production = make_yard("production")
    production.submit("m", source, gates={"performance": {"minSpeedup": 1000}})
    assert "minSpeedup" in production.told("m", "PerformanceMissed")
    production.submit("m", source)
    found = production.healthy("m")
    assert (found["status"]["artifacts"][0]["digest"], found["status"]["artifacts"][0]["ref"]) == (
        proven["digest"],
        proven["ref"],
    )
    assert_agrees(production, tiny_folder)
    assert not production.build_pods_started()
