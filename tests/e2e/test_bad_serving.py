"""Artifacts that must not serve: answers that differ, files that Triton refuses."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.artifacts import Artifacts, cut_in_half, other_golden_answers
from tests.e2e.kit import BuiltAlready
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


def test_a_golden_sample_that_answers_differently(
    yard: Yard, tiny_source: Object, artifacts: Artifacts, built_already: BuiltAlready
) -> None:
    """What was proven is not what answers here (another CPU, another library): it never gets traffic."""
    artifacts.exchange(built_already(yard), "golden.json", other_golden_answers)
    yard.submit("m", tiny_source)
    message = yard.told("m", "GoldenMismatch")
    assert "golden sample" in message
    assert "run it where it was built (serving.pod.nodeSelector)" in message
    assert not yard.model("m")["status"].get("stableRevision")


def test_an_artifact_that_triton_refuses(
    yard: Yard, tiny_source: Object, artifacts: Artifacts, built_already: BuiltAlready
) -> None:
    artifacts.exchange(built_already(yard), "1/model.onnx", cut_in_half)
    yard.submit("m", tiny_source)
    message = yard.told("m", "ServerRefused")
    assert "model.onnx" in message
    assert "command `retry <revision> <nonce>` to build it anew" in message
