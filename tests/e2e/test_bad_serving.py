"""Artifacts that must not serve: answers that differ, files that Triton refuses."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.artifacts import Artifacts, cut_in_half, other_golden_answers
from tests.e2e.builds import built_and_deleted
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


def test_a_golden_sample_that_answers_differently(yard: Yard, tiny_source: Object, artifacts: Artifacts) -> None:
    """What was proven is not what answers here (another CPU, another library): it never gets traffic."""
    build = built_and_deleted(yard, "m", tiny_source)
    artifacts.exchange(build, "golden.json", other_golden_answers)
    yard.submit("m", tiny_source)
    assert "golden" in yard.told("m", "GoldenMismatch")
    assert not yard.model("m")["status"].get("stableRevision")


def test_an_artifact_that_triton_refuses(yard: Yard, tiny_source: Object, artifacts: Artifacts) -> None:
    build = built_and_deleted(yard, "m", tiny_source)
    artifacts.exchange(build, "1/model.onnx", cut_in_half)
    yard.submit("m", tiny_source)
    assert "model.onnx" in yard.told("m", "ServerRefused")
