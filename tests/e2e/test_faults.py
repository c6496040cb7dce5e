"""What breaks mends itself: Healthy without a hand, one build, no orphan, stable's requests all answered."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from examples.demo.sentences import SENTENCES
from modelyard.contract import Step
from tests.e2e.client import Load, Verdict, steady_load
from tests.e2e.faults import kill_container, kill_leader, running_container
from tests.e2e.kit import MakeYard, RestartApiServer
from tests.e2e.questions import Standard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

EXACT = 1e-3
RATE = 12
UNIQUE = count(64)
"""A queue size that no revision had: each makes a new revision of the same build."""


# --- while a build runs ---


def build_reaches(yard: Yard, step: Step) -> Object:
    """Return the build's pod once it runs ``step``."""

    def reached() -> Object | None:
        pods = [pod for pod in yard.cluster.list("pods", "modelyard.dev/build") if running_container(pod, step)]
        return pods[0] if pods else None

    return wait_for(reached, seconds=120, what=f"at {step}", cluster=yard.cluster)


@pytest.mark.parametrize("step", list(Step))
def test_operator_dies_while_a_build_is_at(yard: Yard, fresh_source: Object, step: Step) -> None:
    yard.submit("m", fresh_source)
    build_reaches(yard, step)
    kill_leader(yard.cluster)
    yard.healthy("m")
    assert_one_build(yard, pods=1)


def test_build_pod_dies_while_converting(yard: Yard, fresh_source: Object) -> None:
    yard.submit("m", fresh_source)
    kill_container(build_reaches(yard, Step.CONVERT), Step.CONVERT)
    yard.healthy("m")
    assert_one_build(yard, pods=2)


def test_build_pod_is_deleted_while_converting(yard: Yard, fresh_source: Object) -> None:
    yard.submit("m", fresh_source)
    pod = build_reaches(yard, Step.CONVERT)
    yard.cluster.run("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    yard.healthy("m")
    assert_one_build(yard, pods=2)


def test_api_server_restarts_while_a_build_runs(
    yard: Yard, fresh_source: Object, restart_api_server: RestartApiServer
) -> None:
    yard.submit("m", fresh_source)
    build_reaches(yard, Step.CONVERT)
    restart_api_server()
    yard.healthy("m")
    assert_one_build(yard, pods=1)


def assert_one_build(yard: Yard, *, pods: int) -> None:
    """One ModelBuild was made, its Jobs started this many pods, and nothing is left that no model owns."""
    assert len(yard.cluster.list("modelbuilds")) == 1
    assert yard.build_pods_started().total() == pods
    yard.remove("m")
    left = yard.cluster.list("jobs,modelbuilds,configmaps,secrets,pods", "app.kubernetes.io/managed-by=modelyard")
    wait_for(
        lambda: (
            not yard.cluster.list("jobs,modelbuilds,configmaps,secrets,pods", "app.kubernetes.io/managed-by=modelyard")
        ),
        seconds=60,
        what=f"rid of {len(left)} objects",
        cluster=yard.cluster,
    )


# --- while a model serves ---


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, minilm_source: Object) -> Yard:
    """A namespace in which MiniLM is served by two pods behind two proxies."""
    yard = make_yard("faults")
    yard.submit("m", minilm_source, serving={"replicas": 2}, traffic={"proxy": {"replicas": 2}})
    yard.healthy("m")
    return yard


@pytest.fixture(scope="module")
def right(minilm: SentenceEncoder) -> NDArray[np.float32]:
    """What PyTorch answers, float32 (sentences, hidden)."""
    return minilm.embeddings(SENTENCES)


Judge = Callable[[Load, Yard, str], Verdict]


@pytest.fixture
def judge(right: NDArray[np.float32]) -> Judge:
    """Hold a load against what float32 answers, from the revision before and the one after."""

    def judged(load: Load, yard: Yard, before: str) -> Verdict:
        standard = Standard(answers=right, tolerance=EXACT)
        return load.verdict({before: standard, yard.model("m")["status"]["stableRevision"]: standard})

    return judged


def stable(yard: Yard) -> str:
    """Return the revision that has the traffic."""
    return str(yard.healthy("m")["status"]["stableRevision"])


def new_revision_wanted(yard: Yard, source: Object) -> None:
    """Change what makes a new revision and no new build."""
    batching = {"maxQueueSize": next(UNIQUE)}
    yard.submit("m", source, serving={"replicas": 2, "batching": batching}, traffic={"proxy": {"replicas": 2}})


SWITCH_STAGES: dict[str, Callable[[Object, str], bool]] = {
    "resolved": lambda model, old: model["status"]["targetRevision"] != old,
    "weight moved": lambda model, old: (model["status"].get("rollout") or {}).get("revision", old) != old,
    "verified": lambda model, old: model["status"]["stableRevision"] != old,
}


@pytest.mark.parametrize("stage", SWITCH_STAGES)
def test_operator_dies_in_a_switch_when(
    served: Yard, minilm_source: Object, minilm: SentenceEncoder, judge: Judge, stage: str
) -> None:
    before, builds = stable(served), served.build_pods_started()
    texts = [minilm.tokens(text) for text in SENTENCES]
    with steady_load(served.address("m"), "m", texts, rate=RATE) as load:
        new_revision_wanted(served, minilm_source)
        served.cluster.wait(
            "optimizedmodel", "m", lambda model: SWITCH_STAGES[stage](model, before), seconds=120, what=stage
        )
        kill_leader(served.cluster)
        served.healthy("m")
        wait_for(lambda: not served.pods(revision=before), seconds=150, what="retired", cluster=served.cluster)
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
    served: Yard, minilm: SentenceEncoder, judge: Judge, end: Callable[[Yard, Object], None]
) -> None:
    before, pod = stable(served), triton_pod(served)
    with steady_load(served.address("m"), "m", [minilm.tokens(text) for text in SENTENCES], rate=RATE) as load:
        end(served, pod)
        wait_for(lambda: not all_ready(served), seconds=60, what="noticed", cluster=served.cluster)
        wait_for(lambda: all_ready(served), seconds=120, what="mended", cluster=served.cluster)
    verdict = judge(load, served, before)
    assert verdict.clean, str(verdict)
    assert stable(served) == before


def all_ready(yard: Yard) -> bool:
    """Return whether both servers take requests."""
    deployments = yard.cluster.list(
        "deployments", f"modelyard.dev/revision={yard.model('m')['status']['stableRevision']}"
    )
    return [d["status"].get("readyReplicas", 0) for d in deployments] == [2]


def test_api_server_restarts_while_serving(
    served: Yard, minilm: SentenceEncoder, judge: Judge, restart_api_server: RestartApiServer
) -> None:
    before = stable(served)
    with steady_load(served.address("m"), "m", [minilm.tokens(text) for text in SENTENCES], rate=RATE) as load:
        restart_api_server()
        served.healthy("m")
    verdict = judge(load, served, before)
    assert verdict.clean, str(verdict)
    assert stable(served) == before
