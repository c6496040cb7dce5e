"""What breaks while a model serves mends itself: Healthy without a hand, stable's requests all answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples.demo.kubectl import Kubectl, Object
from examples.demo.reference import SentenceEncoder
from modelyard.contract.steps import Step
from tests.e2e.answers import assert_clean, under_load
from tests.e2e.builds import assert_one_build
from tests.e2e.episodes import (
    MODEL,
    SWITCH_STAGES,
    both_ready,
    build_held,
    retired,
    serve_twice,
    stable,
    switch_at,
    want_new_revision,
)
from tests.e2e.faults import aimed_at_leader, delete_at_once, kill_backend, kill_container
from tests.e2e.kit import BuiltAlready, MakeYard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import FAST, Yard

pytestmark = pytest.mark.cluster

BUILT_ANEW = {**FAST, "shapes": {"sequence": {"opt": 32, "max": 64}}}
"""Needs a build of its own: a short one, as these texts are, and long enough for the sentences asked."""


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, tiny_source: Object, built_already: BuiltAlready) -> Yard:
    """A namespace in which a model is served by two pods behind two proxies."""
    yard = make_yard("faults")
    built_already(yard)
    serve_twice(yard, tiny_source)
    yard.healthy(MODEL)
    return yard


@pytest.mark.parametrize("stage", SWITCH_STAGES)
def test_operator_dies_in_a_switch_when(served: Yard, tiny_source: Object, tiny: SentenceEncoder, stage: str) -> None:
    before, pods_started = stable(served), served.build_pods_started()
    with under_load(served, MODEL, tiny) as load:
        with aimed_at_leader(served.cluster) as leader:
            want_new_revision(served, tiny_source)
            with switch_at(served, stage, before):
                leader.kill()
        after = stable(served)
        retired(served, before)
    assert_clean(load, tiny, before, after)
    assert after != before
    assert stable(served) == after
    assert served.build_pods_started() == pods_started
    builds = [build["metadata"]["name"] for build in served.cluster.list("modelbuilds")]
    assert builds == [served.model(MODEL)["status"]["build"]]


def test_operator_dies_at_each_step_of_a_new_build(
    yard: Yard, tiny_source: Object, built_already: BuiltAlready, tiny: SentenceEncoder
) -> None:
    built_already(yard)
    yard.submit(MODEL, tiny_source)
    before = stable(yard)
    with under_load(yard, MODEL, tiny) as load:
        yard.submit(MODEL, tiny_source, optimization=BUILT_ANEW)
        for step in Step:
            with build_held(yard, step), aimed_at_leader(yard.cluster) as leader:
                leader.kill()
        after = stable(yard)
        wait_for(lambda: load.answered(after), seconds=60, what="answered by the new one", cluster=yard.cluster)
    assert_clean(load, tiny, before, after)
    assert after != before
    assert_one_build(yard, MODEL, pods=1, former=1)


def triton_pod(yard: Yard) -> Object:
    """Return one of the pods that answer."""
    return yard.pods(component="triton", revision=stable(yard))[0]


def sigkill(_cluster: Kubectl, pod: Object) -> None:
    """Kill the server where it stands."""
    kill_container(pod, "triton")


def sigkill_backend(_cluster: Kubectl, pod: Object) -> None:
    """Kill what answers for the server, which itself would go on with 500."""
    kill_backend(pod, "triton")


@pytest.mark.parametrize("end", [sigkill, sigkill_backend, delete_at_once])
def test_one_of_two_servers_dies(served: Yard, tiny: SentenceEncoder, end: Callable[[Kubectl, Object], None]) -> None:
    before, pod = stable(served), triton_pod(served)
    with under_load(served, MODEL, tiny) as load:
        end(served.cluster, pod)
        wait_for(lambda: not both_ready(served), seconds=60, what="noticed", cluster=served.cluster)
        wait_for(lambda: both_ready(served), seconds=120, what="mended", cluster=served.cluster)
    assert_clean(load, tiny, before)
    assert stable(served) == before
