"""A changed spec under load: the new revision takes over in one step, not one request is lost or wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from examples.demo.sentences import SENTENCES
from modelyard.naming import ROUTES_ANNOTATION
from modelyard.traffic.envoy_config import CONFIG_PATH
from tests.e2e.client import steady_load
from tests.e2e.kit import MakeYard
from tests.e2e.questions import EXACT, Standard
from tests.e2e.waiting import reached, wait_for
from tests.e2e.yard import FAST, Yard

pytestmark = pytest.mark.cluster

QUANTIZED = 0.08
"""What 8-bit weights stay within; another sentence's answer is farther than 0.2."""
SHORT = {"shapes": {"sequence": {"opt": 32, "max": 64}}}
"""Long enough for the sentences asked; a proof on longer texts is not what these tests are about."""
IN_FLOAT32 = {**FAST, **SHORT}
IN_8_BITS = {"engine": "OnnxRuntime", "precision": "INT8Weights", **SHORT}
SERVING: Object = {"replicas": 2, "resources": {"requests": {"cpu": "250m"}}}
"""What the load of these tests needs while others' models are built beside it."""
RETIRE_DELAY = timedelta(seconds=30)
"""The operator's: what was sent to the old revision may take so long to be answered."""


@pytest.fixture(scope="module")
def right(minilm: SentenceEncoder) -> NDArray[np.float32]:
    """What PyTorch answers, float32 (sentences, hidden)."""
    return minilm.embeddings(SENTENCES)


@pytest.fixture(scope="module")
def namespace(make_yard: MakeYard) -> Yard:
    """A namespace for all tests, so that what the first one built is found by the others."""
    return make_yard("switch")


def serve_twice(yard: Yard, source: Object, **batching: int) -> None:
    """Ask for two servers in float32."""
    yard.submit("minilm", source, optimization=IN_FLOAT32, serving={**SERVING, "batching": batching})


@pytest.fixture
def served(namespace: Yard, minilm_source: Object) -> Iterator[Yard]:
    """A namespace in which MiniLM is served in float32 by two pods."""
    serve_twice(namespace, minilm_source)
    namespace.healthy("minilm")
    yield namespace
    namespace.remove("minilm")


def test_no_request_is_lost_or_wrong(
    served: Yard, minilm_source: Object, minilm: SentenceEncoder, right: NDArray[np.float32]
) -> None:
    old = served.model("minilm")["status"]["stableRevision"]
    texts = [minilm.tokens(text) for text in SENTENCES]
    with steady_load(served.address("minilm"), "minilm", texts, rate=16) as load:
        served.submit("minilm", minilm_source, optimization=IN_8_BITS, serving=SERVING)
        new = served.healthy("minilm")["status"]["stableRevision"]
        wait_for(lambda: not served.pods(revision=old), seconds=150, what="retired", cluster=served.cluster)
    assert new != old
    verdict = load.verdict(
        {old: Standard(answers=right, tolerance=EXACT), new: Standard(answers=right, tolerance=QUANTIZED)}
    )
    assert verdict.clean, str(verdict)
    assert set(verdict.revisions) == {old, new}
    # The header tells the truth: what the new revision answers is not what float32 answers.
    told = load.verdict({old: Standard(answers=right, tolerance=EXACT), new: Standard(answers=right, tolerance=EXACT)})
    assert len(told.wrong) > verdict.revisions[new] / 2


def test_rollback_goes_the_same_way(
    served: Yard, minilm_source: Object, minilm: SentenceEncoder, right: NDArray[np.float32]
) -> None:
    old = served.model("minilm")["status"]["stableRevision"]
    serve_twice(served, minilm_source, maxQueueSize=99)
    new = served.healthy("minilm")["status"]["stableRevision"]
    started = served.build_pods_started()
    texts = [minilm.tokens(text) for text in SENTENCES]
    with steady_load(served.address("minilm"), "minilm", texts, rate=16) as load:
        served.cluster.run("annotate", "om", "minilm", f"modelyard.dev/command=rollback {old} 1")
        reached(
            served.cluster,
            "minilm",
            lambda m: m["status"]["stableRevision"] == old and _at_rest(m),
            seconds=120,
            what="rolled back",
        )
    standard = Standard(answers=right, tolerance=EXACT)
    verdict = load.verdict({old: standard, new: standard})
    assert verdict.clean, str(verdict)
    assert served.build_pods_started() == started


def _at_rest(model: Object) -> bool:
    return bool(model["status"]["phase"] == "Healthy" and model["status"]["lastHandledCommand"])


def test_a_pod_stops_only_after_its_routes_are_gone(
    served: Yard, minilm_source: Object, minilm: SentenceEncoder
) -> None:
    """No pod of the old revision is asked to stop before every proxy has sent it nothing for a while."""
    old = served.model("minilm")["status"]["stableRevision"]
    serve_twice(served, minilm_source, maxBatchSize=16)
    status = served.healthy("minilm")["status"]
    moved_at = datetime.fromisoformat(status["rollout"]["weightVerifiedAt"])
    new = status["stableRevision"]
    assert new != old
    pods = wait_for(lambda: stopping(served, old), seconds=180, what="retiring", cluster=served.cluster)
    routes = routes_of(served)
    assert (routes["clusters"], routes["weights"]) == ([new], {new: 100})
    assert {loaded_by(proxy) for proxy in served.pods(component="proxy", model="minilm")} == {routes["hash"]}
    assert [pod["metadata"]["name"] for pod in pods if asked_to_stop_at(pod) < moved_at + RETIRE_DELAY] == []
    with steady_load(
        served.address("minilm"), "minilm", [minilm.tokens(SENTENCES[0])], rate=20, most_seconds=2
    ) as load:
        load.finished(60)
    assert load.answered(new) == len(load.replies) > 0


def stopping(yard: Yard, revision: str) -> list[Object]:
    """Return the revision's pods that were asked to stop."""
    return [pod for pod in yard.pods(revision=revision) if "deletionTimestamp" in pod["metadata"]]


def asked_to_stop_at(pod: Object) -> datetime:
    """Return when a pod was deleted: its deletionTimestamp is when its grace is over."""
    metadata = pod["metadata"]
    over_at = datetime.fromisoformat(metadata["deletionTimestamp"])
    return over_at - timedelta(seconds=metadata["deletionGracePeriodSeconds"])


def routes_of(yard: Yard) -> Object:
    """Return the routes as the operator wrote them for the proxies, with their hash."""
    config_map = yard.cluster.get("configmap", "minilm-proxy")
    assert config_map is not None
    routes: Object = json.loads(config_map["metadata"]["annotations"][ROUTES_ANNOTATION])
    return routes


def loaded_by(proxy: Object) -> str:
    """Return the hash of the routes that a proxy says it serves."""
    reply = httpx.get(f"http://{proxy['status']['podIP']}:8000{CONFIG_PATH}", trust_env=False)
    return reply.raise_for_status().text.strip()


def test_a_switch_is_told_once_and_the_model_stays_healthy_while_the_old_revision_retires(
    served: Yard, minilm_source: Object
) -> None:
    old = served.model("minilm")["status"]["stableRevision"]
    serve_twice(served, minilm_source, maxBatchSize=24)
    new = served.healthy("minilm")["status"]["stableRevision"]
    wait_for(lambda: not served.pods(revision=old), seconds=150, what="retired", cluster=served.cluster)
    # What a probe that fails once tells again (Switching, Healthy) is left out: the roll-out itself is told by these.
    told = [event for event in served.events("minilm") if event["reason"] in {"Resolving", "RolledOut"}]
    assert [(event["reason"], event["count"]) for event in told] == [("Resolving", 1), ("RolledOut", 1)] * 2
    verified = [event["message"] for event in told if event["reason"] == "RolledOut"]
    assert verified == [f"revision {revision} has all of the traffic, verified" for revision in (old, new)]


def test_failed_build_leaves_the_running_revision_alone(
    served: Yard, minilm_source: Object, minilm: SentenceEncoder, right: NDArray[np.float32]
) -> None:
    before = served.model("minilm")["status"]["stableRevision"]
    texts = [minilm.tokens(text) for text in SENTENCES]
    with steady_load(served.address("minilm"), "minilm", texts, rate=16) as load:
        impossible = {**IN_FLOAT32, "shapes": {"sequence": {"max": 100_000}}}
        served.submit("minilm", minilm_source, optimization=impossible, serving=SERVING)
        message = served.told("minilm", "ShapesNotPossible")
    assert "512" in message
    status = served.model("minilm")["status"]
    assert (status["phase"], status["stableRevision"]) == ("Degraded", before)
    truths = {c["type"]: c["status"] for c in status["conditions"]}
    assert (truths["Ready"], truths["Serving"]) == ("False", "True")
    verdict = load.verdict({before: Standard(answers=right, tolerance=EXACT)})
    assert verdict.clean, str(verdict)
