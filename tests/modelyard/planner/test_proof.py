"""What figures prove: a quality only of weights that were trained."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.planner.proof import proof_of
from modelyard.reasons import Reason
from modelyard.state.plan import Truth
from tests.modelyard.planner.results import built, figure
from tests.modelyard.planner.world import World

EXACT = {"p1Cosine": "1", "neighboursKept": "1", "minCosine": "1", "batchInvariance": "1"}
UNTRAINED = {"precision": "FP32", "trained": False}
NEAR = EXACT | {"greatestError": "0.00009"}
FAR = EXACT | {"greatestError": "0.0045"}  # what the gates for trained weights let pass


@pytest.mark.parametrize(
    ("result", "passed", "reason", "words"),
    [
        ({"precision": "FP32"} | FAR, True, Reason.GATES_PASSED, "minCosine 1 >= 0.999"),
        (UNTRAINED | NEAR, True, Reason.EXPORT_PROVEN, "greatestError 9e-05 <= 0.0001"),
        (UNTRAINED | FAR, False, Reason.PARITY_MISSED, "greatestError 0.0045 > 0.0001"),
        (UNTRAINED | NEAR, True, Reason.EXPORT_PROVEN, "prove the export (to 0.0001), and no quality"),
        ({"precision": "BF16", "trained": False} | FAR, True, Reason.EXPORT_PROVEN, "and prove nothing of BF16"),
        ({"precision": "INT8", "trained": False} | FAR, True, Reason.EXPORT_PROVEN, "and prove nothing of INT8"),
        ({"precision": "BF16", "trained": False, "p1Cosine": "0.9"}, False, Reason.PARITY_MISSED, "p1Cosine 0.9"),
    ],
)
def test_untrained_weights_prove_an_export_and_never_a_quality(
    result: dict[str, Any],
    passed: bool,  # noqa: FBT001 - a table's column
    reason: Reason,
    words: str,
) -> None:
    proof = proof_of(World().spec, built(**result))
    assert (proof.passed, proof.finding.reason) == (passed, reason)
    assert proof.finding.truth is (Truth.TRUE if passed else Truth.FALSE)
    assert words in proof.finding.message


@pytest.mark.parametrize(("precision", "words"), [("FP32", "prove the export"), ("BF16", "prove nothing of BF16")])
def test_a_model_of_untrained_weights_is_not_praised_for_its_answers(precision: str, words: str) -> None:
    world = World()
    world.passes(3)
    world.build_ends(**EXACT, greatestError="0", precision=precision, trained=False)
    world.settle()
    assert world.status.phase == "Healthy"
    assert words in world.status.message
    assert "p1Cosine" not in world.status.message


@pytest.mark.parametrize(
    ("speedup", "reason"),
    [
        (("1.6", "0.87", "2.33"), Reason.TOO_NOISY),
        (("1.6", "1.01", "2.33"), Reason.GATES_PASSED),
        (("0.9", "0.7", "0.99"), Reason.PERFORMANCE_MISSED),
    ],
)
def test_a_speed_that_is_not_surely_enough_is_no_pass(speedup: tuple[str, str, str], reason: Reason) -> None:
    result = built()
    latency = result.latencies[0]
    noisy = latency.model_copy(update={"speedup": figure(*speedup)})
    proof = proof_of(World().spec, result.model_copy(update={"latencies": [noisy]}))
    assert (proof.passed, proof.finding.reason) == (reason is Reason.GATES_PASSED, reason)
    if reason is Reason.TOO_NOISY:
        assert "minSpeedup 1.6 (95% bounds 0.87, 2.33) is not surely >= 1; the command retry" in proof.finding.message
