"""What breaks while a model serves mends itself: Healthy without a hand, stable's requests all answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples.demo.kubectl import Kubectl, Object
from examples.demo.reference import SentenceEncoder
from examples.demo.sentences import SENTENCES
from modelyard.contract.steps import Step
from tests.e2e.builds import assert_one_build
from tests.e2e.client import Load, Verdict, steady_load
from tests.e2e.episodes import (
    MODEL,
    SWITCH_STAGES,
    both_ready,
    build_reaches,
    retired,
    serve_twice,
    stable,
    switch_reaches,
    want_new_revision,
)
from tests.e2e.faults import delete_at_once, fresh_operators, held, kill_container, kill_leader
from tests.e2e.kit import BuiltAlready, MakeYard
from tests.e2e.questions import Standard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import FAST, Yard

pytestmark = pytest.mark.cluster

EXACT = 1e-3
RATE = 12
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
    after, verdict = stable(served), judge(load, served, before)
    assert verdict.clean, str(verdict)
    assert after != before
    assert set(verdict.revisions) == {before, after}, str(verdict)
    assert served.build_pods_started() == builds


def test_operator_dies_at_each_step_of_a_new_build(
    yard: Yard, tiny_source: Object, built_already: BuiltAlready, tiny: SentenceEncoder, judge: Judge
) -> None:
    built_already(yard)
    yard.submit(MODEL, tiny_source)
    before = stable(yard)
    with steady_load(yard.address(MODEL), MODEL, [tiny.tokens(text) for text in SENTENCES], rate=RATE) as load:
        yard.submit(MODEL, tiny_source, optimization=BUILT_ANEW)
        for step in Step:
            with held(build_reaches(yard, step), step):
                fresh_operators(yard.cluster)
                kill_leader(yard.cluster)
        after = stable(yard)
        wait_for(lambda: load.answered(after), seconds=60, what="answered by the new one", cluster=yard.cluster)
    verdict = judge(load, yard, before)
    assert verdict.clean, str(verdict)
    assert after != before
    assert set(verdict.revisions) == {before, after}, str(verdict)
    assert_one_build(yard, MODEL, pods=1, former=1)


def triton_pod(yard: Yard) -> Object:
    """Return one of the pods that answer."""
    return yard.pods(component="triton", revision=stable(yard))[0]


def sigkill(_cluster: Kubectl, pod: Object) -> None:
    """Kill the server where it stands."""
    kill_container(pod, "triton")


@pytest.mark.parametrize("end", [sigkill, delete_at_once])
def test_one_of_two_servers_dies(
    served: Yard, tiny: SentenceEncoder, judge: Judge, end: Callable[[Kubectl, Object], None]
) -> None:
    before, pod = stable(served), triton_pod(served)
    with steady_load(served.address(MODEL), MODEL, [tiny.tokens(text) for text in SENTENCES], rate=RATE) as load:
        end(served.cluster, pod)
        wait_for(lambda: not both_ready(served), seconds=60, what="noticed", cluster=served.cluster)
        wait_for(lambda: both_ready(served), seconds=120, what="mended", cluster=served.cluster)
    verdict = judge(load, served, before)
    assert verdict.clean, str(verdict)
    assert stable(served) == before
