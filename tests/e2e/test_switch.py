"""A changed spec under load: the new revision takes over in one step, not one request is lost or wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from examples.demo.sentences import SENTENCES
from tests.e2e.client import steady_load
from tests.e2e.kit import MakeYard
from tests.e2e.questions import Standard
from tests.e2e.waiting import reached, wait_for
from tests.e2e.yard import FAST, Yard

pytestmark = pytest.mark.cluster

EXACT = 1e-3
"""Relative distance from PyTorch that float32 stays within, and 8-bit weights do not."""
QUANTIZED = 0.08
"""What 8-bit weights stay within; another sentence's answer is farther than 0.2."""


@pytest.fixture(scope="module")
def right(minilm: SentenceEncoder) -> NDArray[np.float32]:
    """What PyTorch answers, float32 (sentences, hidden)."""
    return minilm.embeddings(SENTENCES)


@pytest.fixture(scope="module")
def namespace(make_yard: MakeYard) -> Yard:
    """A namespace for all tests, so that what the first one built is found by the others."""
    return make_yard("switch")


@pytest.fixture
def served(namespace: Yard, minilm_source: Object) -> Iterator[Yard]:
    """A namespace in which MiniLM is served in float32 by two pods."""
    namespace.submit("minilm", minilm_source, serving={"replicas": 2})
    namespace.healthy("minilm")
    yield namespace
    namespace.remove("minilm")


def test_no_request_is_lost_or_wrong(
    served: Yard, minilm_source: Object, minilm: SentenceEncoder, right: NDArray[np.float32]
) -> None:
    old = served.model("minilm")["status"]["stableRevision"]
    texts = [minilm.tokens(text) for text in SENTENCES]
    with steady_load(served.address("minilm"), "minilm", texts, rate=16, most_seconds=400) as load:
        quantized = {"engine": "OnnxRuntime", "precision": "INT8Weights"}
        served.submit("minilm", minilm_source, optimization=quantized, serving={"replicas": 2})
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
    served.submit("minilm", minilm_source, serving={"replicas": 2, "batching": {"maxQueueSize": 99}})
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
    """No pod of the old revision is asked to stop before every proxy was seen to send it nothing."""
    old = served.model("minilm")["status"]["stableRevision"]
    served.submit("minilm", minilm_source, serving={"replicas": 2, "batching": {"maxBatchSize": 16}})
    wait_for(
        lambda: any("deletionTimestamp" in pod["metadata"] for pod in served.pods(revision=old)),
        seconds=180,
        what="retiring",
        cluster=served.cluster,
    )
    model = served.model("minilm")
    assert model["status"]["rollout"]["weightVerifiedAt"]
    assert model["status"]["stableRevision"] != old
    with steady_load(
        served.address("minilm"), "minilm", [minilm.tokens(SENTENCES[0])], rate=20, most_seconds=2
    ) as load:
        pass
    assert load.answered(old) == 0
    assert load.answered(model["status"]["stableRevision"]) == len(load.replies)


def test_failed_build_leaves_the_running_revision_alone(
    served: Yard, minilm_source: Object, minilm: SentenceEncoder, right: NDArray[np.float32]
) -> None:
    before = served.model("minilm")["status"]["stableRevision"]
    texts = [minilm.tokens(text) for text in SENTENCES]
    with steady_load(served.address("minilm"), "minilm", texts, rate=16) as load:
        impossible = {**FAST, "shapes": {"sequence": {"max": 100_000}}}
        served.submit("minilm", minilm_source, optimization=impossible, serving={"replicas": 2})
        message = served.told("minilm", "ShapesNotPossible")
    assert "512" in message
    status = served.model("minilm")["status"]
    assert (status["phase"], status["stableRevision"]) == ("Degraded", before)
    truths = {c["type"]: c["status"] for c in status["conditions"]}
    assert (truths["Ready"], truths["Serving"]) == ("False", "True")
    verdict = load.verdict({before: Standard(answers=right, tolerance=EXACT)})
    assert verdict.clean, str(verdict)
