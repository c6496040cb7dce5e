"""What is told of a pod that can't have its artifact: the fix is one that can be done."""

from __future__ import annotations

import json

import pytest

from modelyard.pins import ArtifactPin
from modelyard.planner.pulling import not_pulled
from modelyard.reasons import Reason, with_fix

NAMED = ArtifactPin(repository="registry.example.com/n/b", digest="sha256:" + "d" * 64)
OF_A_BUILD = ("retry", "registry.external", "the chart")


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        (Reason.ARTIFACT_GONE, "push it there again, or name another in spec.source.artifact.ref"),
        (Reason.DIGEST_MISMATCH, "push it again, or name another in spec.source.artifact.ref"),
        (Reason.REGISTRY_UNREACHABLE, "a way to the registry of spec.source.artifact.ref"),
        (Reason.REGISTRY_UNAUTHORIZED, "correct the Secret that spec.source.artifact.pullSecretRef names"),
    ],
)
def test_an_artifact_that_the_user_named_is_no_build_to_make_anew(reason: Reason, fix: str) -> None:
    words = json.dumps({"reason": reason.value, "message": "said the registry"})
    named, built = (with_fix(*not_pulled("pod-1", words, promoted)) for promoted in (NAMED, None))
    assert named.startswith("pod-1: its artifact can't be pulled: said the registry; ")
    assert fix in named
    assert not any(word in named for word in OF_A_BUILD)
    assert fix not in built
    assert any(word in built for word in OF_A_BUILD)


@pytest.mark.parametrize("promoted", [NAMED, None])
def test_a_puller_without_words_leads_to_its_log(promoted: ArtifactPin | None) -> None:
    reason, message = not_pulled("pod-1", "exit code 1", promoted)
    assert (reason, message) == (
        Reason.PODS_NOT_READY,
        "pod-1: its artifact can't be pulled (exit code 1); mend what `kubectl logs pod-1 --container=pull` says",
    )
