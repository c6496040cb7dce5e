"""Artifacts that must not serve, or can't: answers that differ, files that Triton refuses, and one that is gone."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.artifacts import Artifacts, cut_in_half, other_golden_answers
from tests.e2e.kit import BuiltAlready
from tests.e2e.yard import Yard, conditions

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


def test_a_server_without_the_memory_to_load_says_what_to_raise(
    yard: Yard, tiny_source: Object, built_already: BuiltAlready
) -> None:
    """The kernel may kill a process of its backend instead of the first one, and tells that to nobody."""
    built_already(yard)
    yard.submit("m", tiny_source, serving={"resources": {"requests": {"memory": "32Mi"}, "limits": {"memory": "48Mi"}}})
    assert "raise serving.resources.limits.memory" in yard.told("m", "OutOfMemory")
    yard.submit("m", tiny_source, serving={"resources": {"requests": {"memory": "32Mi"}, "limits": {"memory": "1Gi"}}})
    yard.healthy("m")


def test_an_artifact_that_triton_refuses(
    yard: Yard, tiny_source: Object, artifacts: Artifacts, built_already: BuiltAlready
) -> None:
    artifacts.exchange(built_already(yard), "1/model.onnx", cut_in_half)
    yard.submit("m", tiny_source)
    message = yard.told("m", "ServerRefused")
    assert "model.onnx" in message
    assert "command `retry <revision> <nonce>` to build it anew" in message


def test_an_artifact_that_the_registry_lost(
    yard: Yard, tiny_source: Object, artifacts: Artifacts, built_already: BuiltAlready
) -> None:
    """What runs goes on; a new pod says what is gone, and a retry builds it again."""
    build = built_already(yard)
    yard.submit("m", tiny_source)
    before = yard.healthy("m")["status"]
    artifacts.lose(build)
    yard.submit("m", tiny_source, serving={"replicas": 2})
    message = yard.told("m", "ArtifactGone")
    assert before["artifacts"][0]["digest"] in message
    assert "command `retry <revision> <nonce>` to build it anew" in message
    assert conditions(yard.model("m"))["Serving"]["status"] == "True"
    yard.cluster.run("annotate", "om", "m", f"modelyard.dev/command=retry {before['stableRevision']} 1")
    after = yard.healthy("m")["status"]
    assert after["stableRevision"] != before["stableRevision"]
    assert after["readyReplicas"] == 2
