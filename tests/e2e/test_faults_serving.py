"""What breaks while a model serves mends itself: Healthy without a hand, stable's requests all answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from examples.demo.sentences import SENTENCES
from tests.e2e.client import Load, Verdict, steady_load
from tests.e2e.episodes import (
    MODEL,
    SWITCH_STAGES,
    both_ready,
    retired,
    serve_twice,
    stable,
    switch_reaches,
    want_new_revision,
)
from tests.e2e.faults import fresh_operators, kill_container, kill_leader
from tests.e2e.kit import BuiltAlready, MakeYard
from tests.e2e.questions import Standard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

EXACT = 1e-3
RATE = 12


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, tiny_source: Object, built_already: BuiltAlready) -> Yard:
    """A namespace in which a model is served by two pods behind two proxies."""
    yard = make_yard("faults")
    built_already(yard)
    serve_twice(yard, tiny_source)
    yard.healthy(MODEL)
    return yard


Judge = Callable[[Load, Yard, str], Verdict]


@pytest.fixture
def judge(tiny: SentenceEncoder) -> Judge:
    """Hold a load against what float32 answers, from the revision before and the one after."""

    def judged(load: Load, yard: Yard, before: str) -> Verdict:
        standard = Standard(answers=tiny.embeddings(SENTENCES), tolerance=EXACT)
        return load.verdict({before: standard, yard.model(MODEL)["status"]["stableRevision"]: standard})

    return judged


@pytest.mark.parametrize("stage", SWITCH_STAGES)
def test_operator_dies_in_a_switch_when(
    served: Yard, tiny_source: Object, tiny: SentenceEncoder, judge: Judge, stage: str
) -> None:
    fresh_operators(served.cluster)
    before, builds = stable(served), served.build_pods_started()
    texts = [tiny.tokens(text) for text in SENTENCES]
    with steady_load(served.address(MODEL), MODEL, texts, rate=RATE) as load:
        want_new_revision(served, tiny_source)
        switch_reaches(served, stage, before)
        kill_leader(served.cluster)
        served.healthy(MODEL)
        retired(served, before)
    verdict = judge(load, served, before)
    assert verdict.clean, str(verdict)
    assert stable(served) != before
    assert served.build_pods_started() == builds


def triton_pod(yard: Yard) -> Object:
    """Return one of the pods that answer."""
    return yard.pods(component="triton", revision=stable(yard))[0]


def sigkill(_yard: Yard, pod: Object) -> None:
    """Kill the server where it stands."""
    kill_container(pod, "triton")


def delete_at_once(yard: Yard, pod: Object) -> None:
    """Delete the pod without any grace."""
    yard.cluster.run("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")


@pytest.mark.parametrize("end", [sigkill, delete_at_once])
def test_one_of_two_servers_dies(
    served: Yard, tiny: SentenceEncoder, judge: Judge, end: Callable[[Yard, Object], None]
) -> None:
    before, pod = stable(served), triton_pod(served)
    with steady_load(served.address(MODEL), MODEL, [tiny.tokens(text) for text in SENTENCES], rate=RATE) as load:
        end(served, pod)
        wait_for(lambda: not both_ready(served), seconds=60, what="noticed", cluster=served.cluster)
        wait_for(lambda: both_ready(served), seconds=120, what="mended", cluster=served.cluster)
    verdict = judge(load, served, before)
    assert verdict.clean, str(verdict)
    assert stable(served) == before
