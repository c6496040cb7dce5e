"""Revisions that must not serve: answers that differ, artifacts that Triton refuses, names that are taken."""

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


def test_a_server_that_is_killed_for_memory(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, serving={"resources": {"requests": {"memory": "20Mi"}, "limits": {"memory": "20Mi"}}})
    assert "raise serving.resources.limits.memory" in yard.told("m", "OutOfMemory")


def test_a_service_of_the_models_name_that_is_not_ours(yard: Yard, tiny_source: Object) -> None:
    yard.cluster.run("create", "service", "clusterip", "m", "--tcp=80")
    before = yard.cluster.get("service", "m")
    assert before is not None
    yard.submit("m", tiny_source)
    message = yard.told("m", "NameTaken")
    assert "Service" in message
    assert "m" in message
    after = yard.cluster.get("service", "m")
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
