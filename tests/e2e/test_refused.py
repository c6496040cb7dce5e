"""What can never be honoured is refused by the API server itself, in words that say the fix."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.yard import Yard, model

pytestmark = pytest.mark.cluster

HUB = {"huggingFace": {"repo": "sentence-transformers/all-MiniLM-L6-v2"}}
OCI = {"oci": {"ref": "registry.example.com/models/minilm:1"}}

REFUSED: dict[str, tuple[Object, str]] = {
    "no source": (model("m", {}), "give exactly one source"),
    "two sources": (model("m", {**HUB, **OCI}), "give exactly one source"),
    "empty repository": (model("m", {"huggingFace": {"repo": ""}}), "ORGANISATION/NAME"),
    "repository that is no org/name": (model("m", {"huggingFace": {"repo": "../etc"}}), "ORGANISATION/NAME"),
    "name over 40 characters": (model("m" * 41, HUB), "40 characters"),
    "sequence opt above max": (
        model("m", HUB, optimization={"shapes": {"sequence": {"opt": 600, "max": 512}}}),
        "or raise max (512 where it is unset)",
    ),
    "FP8 with OpenVINO": (
        model("m", HUB, optimization={"engine": "OpenVINO", "precision": "FP8"}),
        "use precision BF16",
    ),
    "an engine that doesn't exist": (model("m", HUB, optimization={"engine": "Fastest"}), "OnnxRuntime"),
    "negative duration": (model("m", HUB, build={"timeout": "-5m"}), "such as 90s, 15m or 1h30m"),
    "duration without a unit": (
        model("m", HUB, rollout={"progressDeadline": "15"}),
        "such as 90s, 15m or 1h30m",
    ),
    "reference with a scheme": (model("m", {"oci": {"ref": "oci://registry/minilm:1"}}), "without oci://"),
    "claim path that climbs": (model("m", {"pvc": {"claimName": "c", "path": "a/../.."}}), "no .."),
    "no instances": (model("m", HUB, serving={"instances": 0}), "give 1 to 256, or Auto"),
    "gate that is no number": (model("m", HUB, gates={"parity": {"p1Cosine": "high"}}), "p1Cosine"),
    "misspelt field": (model("m", HUB, optimisation={}), "optimisation"),
    "field of a later version": (model("m", HUB, rollout={"strategy": "Canary"}), "strategy"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_api_server_refuses(yard: Yard, case: str) -> None:
    manifest, words = REFUSED[case]
    assert words in yard.refused(manifest)


def test_model_name_never_changes(yard: Yard) -> None:
    suspended = {"suspend": True}
    yard.cluster.apply(model("m", OCI, serving={"modelName": "first"}, **suspended))
    assert "modelName" in yard.refused(model("m", OCI, serving={"modelName": "second"}, **suspended))
