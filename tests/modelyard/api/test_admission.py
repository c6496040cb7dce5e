"""Refused at the door: what a real API server says to what can't be honoured; each message has the fix."""

from __future__ import annotations

import copy
from typing import Any

import httpx
import pytest

from tests.servers.apiserver import RunningApiServer

pytestmark = pytest.mark.cluster

Manifest = dict[str, Any]

HUB = {"huggingFace": {"repo": "sentence-transformers/all-MiniLM-L6-v2"}}
DIGEST = "@sha256:" + "a" * 64

OF_CLAIM: Manifest = {"pvc": {"claimName": "models"}}
ADAPTER: Manifest = {"name": "support", "pvc": {"claimName": "adapters"}}
ARTIFACT = {"artifact": {"ref": f"registry.example.com:5000/n/build{DIGEST}"}}

REFUSED: dict[str, tuple[Manifest, str]] = {
    "no source": ({"source": {}}, "give exactly one source: huggingFace, objectStore, pvc, oci or artifact"),
    "two sources": ({"source": HUB | {"pvc": {"claimName": "c"}}}, "give exactly one source"),
    "an empty repo": ({"source": {"huggingFace": {"repo": ""}}}, "name a repository of the hub as ORGANISATION/NAME"),
    "a repo with a host": (
        {"source": {"huggingFace": {"repo": "https://huggingface.co/org/name"}}},
        "name a repository of the hub as ORGANISATION/NAME, without a host",
    ),
    "an artifact with a scheme": ({"source": {"oci": {"ref": "oci://h/r:1"}}}, "without oci://"),
    "a repository in upper case": ({"source": {"oci": {"ref": "h/Models/r:1"}}}, "the repository in lower case"),
    "an artifact without a tag": ({"source": {"oci": {"ref": "host/repo"}}}, "REGISTRY/REPOSITORY:TAG"),
    "a path out of the claim": (
        {"source": {"pvc": {"claimName": "c", "path": "a/../../b"}}},
        "path is relative to the root of the claim: no leading slash and no ..",
    ),
    "an address of no store": ({"source": {"objectStore": {"url": "ftp://host/folder"}}}, "write s3://BUCKET/FOLDER"),
    "a file of this machine": (
        {"source": {"objectStore": {"url": "file:///models/minilm"}}},
        "write s3://BUCKET/FOLDER",
    ),
    "an address in an address": (
        {"source": {"objectStore": {"url": "https://a.example.com:x::file:///etc"}}},
        "write s3://BUCKET/FOLDER",
    ),
    "a user in an address": ({"source": {"objectStore": {"url": "https://me:pw@h/m"}}}, "without a user"),
    "a query in an address": ({"source": {"objectStore": {"url": "https://h/m?sig=x"}}}, "a query or a fragment"),
    "a container without its account": (
        {"source": {"objectStore": {"url": "az://models/minilm"}}},
        "az://CONTAINER@ACCOUNT.blob.core.windows.net/FOLDER",
    ),
    "a folder above": ({"source": {"objectStore": {"url": "s3://models/a/../b"}}}, "name the folder itself"),
    "an absolute path": ({"source": {"pvc": {"claimName": "c", "path": "/models"}}}, "no leading slash"),
    "a typical length above the greatest": (
        {"optimization": {"shapes": {"sequence": {"opt": 200, "max": 100}}}},
        "the typical length is above the greatest: lower opt (128 where it is unset)",
    ),
    "a typical length above the default greatest": (
        {"optimization": {"shapes": {"sequence": {"opt": 600}}}},
        "lower opt (128 where it is unset) or raise max (512 where it is unset)",
    ),
    "FP8 with OpenVINO": (
        {"optimization": {"engine": "OpenVINO", "precision": "FP8"}},
        "OpenVINO never runs FP8; use precision BF16 with OpenVINO",
    ),
    "an engine that nobody knows": ({"optimization": {"engine": "Turbo"}}, 'supported values: "Auto", "OnnxRuntime"'),
    "a gate above 1": ({"gates": {"parity": {"p1Cosine": 1.5}}}, "should be less than or equal to 1"),
    "a folder of a machine": (
        {"source": {"objectStore": {"url": "file:///models/minilm"}}},
        "write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER",
    ),
    "an artifact by a tag": (
        {"source": {"artifact": {"ref": "h/n/b:1"}}},
        "what is promoted is one artifact and no tag",
    ),
    "an artifact and a task": ({"source": ARTIFACT, "task": "Embedding"}, "leave task out"),
    "an artifact and an engine": (
        {"source": ARTIFACT, "optimization": {"engine": "OpenVINO"}},
        "leave optimization.engine and precision out",
    ),
    "an artifact and sizes": (
        {"source": ARTIFACT, "optimization": {"shapes": {"sequence": {"max": 256}}}},
        "leave optimization.shapes out",
    ),
    "an artifact and texts": (
        {"source": ARTIFACT, "gates": {"dataset": {"configMapRef": {"name": "texts", "key": "t.txt"}}}},
        "an artifact is built and measured already: leave gates.dataset out",
    ),
    "an artifact and adapters": (
        {"source": ARTIFACT | {"mergeAdapters": [{"name": "a", "pvc": {"claimName": "c"}}]}},
        "leave source.mergeAdapters out",
    ),
    "an adapter in two places": (
        {"source": OF_CLAIM | {"mergeAdapters": [ADAPTER | {"oci": {"ref": "h/a:1"}}]}},
        "give exactly one source: huggingFace, objectStore, pvc or oci",
    ),
    "an adapter twice": ({"source": OF_CLAIM | {"mergeAdapters": [ADAPTER, ADAPTER]}}, "Duplicate value"),
    "too many adapters": (
        {"source": OF_CLAIM | {"mergeAdapters": [ADAPTER | {"name": f"a{i}"} for i in range(9)]}},
        "must have at most 8 items",
    ),
    "an adapter that adds nothing": (
        {"source": OF_CLAIM | {"mergeAdapters": [ADAPTER | {"scale": 0}]}},
        "give a scale above 0, for an adapter times 0 adds nothing",
    ),
    "an adapter's name that is none": (
        {"source": OF_CLAIM | {"mergeAdapters": [ADAPTER | {"name": "Mine"}]}},
        "spec.source.mergeAdapters[0].name",
    ),
    "a dataset of another kind": (
        {"gates": {"dataset": {"configMapRef": {"name": "texts", "key": "texts.parquet"}}}},
        "name a key that ends in .txt (a text a line), .jsonl (a JSON value a line) or .csv",
    ),
    "a negative duration": ({"rollout": {"progressDeadline": "-5m"}}, "must be a duration such as 90s, 15m or 1h30m"),
    "a duration without a unit": ({"build": {"timeout": "60"}}, "whole numbers with h, m, s or ms"),
    "no time to build": ({"build": {"timeout": "0s"}}, "must be longer than nothing"),
    "a request above its limit": (
        {"build": {"resources": {"requests": {"memory": "8Gi"}, "limits": {"memory": "4Gi", "cpu": 2}}}},
        "a request is above its limit: lower the request or raise the limit",
    ),
    "a duration in words": ({"serving": {"batching": {"maxQueueDelay": "1 second"}}}, "must be a duration"),
    "a latency without a unit": ({"gates": {"performance": {"maxP95": "50"}}}, "must be a duration"),
    "no replicas": ({"serving": {"replicas": 0}}, "should be greater than or equal to 1"),
    "instances in words": ({"serving": {"instances": "many"}}, "give 1 to 256, or Auto"),
    "too many instances": ({"serving": {"instances": 1000}}, "give 1 to 256, or Auto"),
    "a quantity that is none": ({"build": {"scratch": "lots"}}, "spec.build.scratch"),
}

TAKEN: dict[str, Manifest] = {
    "an artifact, its gates and how it is served": {
        "source": ARTIFACT,
        "gates": {"performance": {"minSpeedup": 2}},
        "serving": {"replicas": 2},
    },
    "the smallest": {},
    "an artifact by tag": {"source": {"oci": {"ref": "localhost:5000/models/minilm:v1.0_a"}}},
    "an artifact by digest": {"source": {"oci": {"ref": "ghcr.io/org/models/minilm" + DIGEST}}},
    "adapters of two places": {
        "source": OF_CLAIM
        | {"mergeAdapters": [ADAPTER, {"name": "b", "scale": 0.5, "huggingFace": {"repo": "org/adapter"}}]}
    },
    "a claim": {"source": {"pvc": {"claimName": "models", "path": "a/b..c/"}}},
    "a bucket": {"source": {"objectStore": {"url": "s3://models.example", "revision": "2"}}},
    "a folder of a bucket": {"source": {"objectStore": {"url": "gs://models/a b/m%20..n/"}}},
    "a folder of a container": {"source": {"objectStore": {"url": "az://models@acme.blob.core.windows.net/m"}}},
    "a folder of a host": {
        "source": {"objectStore": {"url": "https://h.example.com:8443/m%20/", "credentialsSecretRef": {"name": "s"}}}
    },
    "a repo without an organisation": {"source": {"huggingFace": {"repo": "bert-base-uncased"}}},
    "FP8 with TensorRT": {"optimization": {"engine": "TensorRT", "precision": "FP8"}},
    "a typical length up to the default greatest": {"optimization": {"shapes": {"sequence": {"opt": 512}}}},
    "a long typical length": {"optimization": {"shapes": {"sequence": {"opt": 600, "max": 1024}}}},
    "a duration of several parts": {"rollout": {"progressDeadline": "1h30m"}},
    "instances in numbers": {"serving": {"instances": 4}},
    "a quantity as a number": {"build": {"scratch": 1073741824}},
}


@pytest.fixture
def door(api_server: RunningApiServer, namespace: str) -> Any:
    """Apply a manifest, as kubectl does: an unknown field is an error."""

    def apply(spec: Manifest | None = None, name: str = "minilm", *, over: Manifest | None = None) -> httpx.Response:
        path = f"/apis/modelyard.dev/v1alpha1/namespaces/{namespace}/optimizedmodels"
        manifest = copy.deepcopy(over) or {
            "apiVersion": "modelyard.dev/v1alpha1",
            "kind": "OptimizedModel",
            "metadata": {"name": name, "namespace": namespace},
        }
        manifest["spec"] = {"source": HUB} | (spec or {})
        query = {"fieldValidation": "Strict"}
        with api_server.admin() as admin:
            if over:
                return admin.put(f"{path}/{name}", json=manifest, params=query)
            return admin.post(path, json=manifest, params=query)

    return apply


@pytest.mark.parametrize("what", REFUSED)
def test_what_can_never_be_honoured_is_refused_with_the_fix(what: str, door: Any) -> None:
    spec, fix = REFUSED[what]
    answer = door(spec)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert fix in answer.json()["message"]


@pytest.mark.parametrize("what", TAKEN)
def test_what_can_be_honoured_is_taken(what: str, door: Any) -> None:
    answer = door(TAKEN[what])
    assert answer.is_success, answer.json()["message"]


def test_a_name_over_40_characters_is_refused(door: Any) -> None:
    answer = door(name="m" * 41)
    assert "metadata: Invalid value: metadata.name may have at most 40 characters" in answer.json()["message"]
    assert "serving.modelName" in answer.json()["message"]


def test_a_name_of_40_characters_is_taken(door: Any) -> None:
    assert door(name="m" * 40).is_success


@pytest.mark.parametrize("name", ["7b-chat", "chat.v2"])
def test_a_name_that_no_service_can_have_is_refused(name: str, door: Any) -> None:
    assert "start with a letter" in door(name=name).json()["message"]


def test_a_field_that_is_not_honoured_yet_is_not_in_the_schema(door: Any) -> None:
    answer = door({"traffic": {"mirror": {"percent": 10}}})
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert 'unknown field "spec.traffic.mirror"' in answer.json()["message"]


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {"modelName": "other"}), ({"modelName": "a"}, {"modelName": "b"}), ({"modelName": "a"}, {})],
)
def test_a_changed_model_name_is_refused(before: Manifest, after: Manifest, door: Any) -> None:
    there = door({"serving": before}).json()
    answer = door({"serving": after}, over=there)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "serving.modelName never changes" in answer.json()["message"]


def test_the_default_model_name_may_be_written_out(door: Any) -> None:
    there = door().json()
    assert door({"serving": {"modelName": "minilm"}}, over=there).is_success


def test_scalars_are_defaulted_and_one_of_blocks_are_not(door: Any) -> None:
    spec = door().json()["spec"]
    assert spec["source"] == {"huggingFace": {"repo": HUB["huggingFace"]["repo"], "revision": "main"}}
    assert spec["optimization"]["shapes"]["batch"] == {"opt": 8}
    assert spec["serving"]["instances"] == "Auto"
    assert spec["traffic"]["proxy"]["resources"]["limits"] == {"memory": "256Mi"}
    assert "parity" not in spec["gates"]
    assert "pod" not in spec["serving"]


def test_the_operator_reads_a_spec_as_the_api_server_defaulted_it(door: Any) -> None:
    from modelyard.api.model import OptimizedModelSpec

    assert OptimizedModelSpec.model_validate(door().json()["spec"]) == OptimizedModelSpec.model_validate(
        {"source": HUB}
    )


def test_a_build_never_changes(api_server: RunningApiServer, namespace: str) -> None:
    path = f"/apis/modelyard.dev/v1alpha1/namespaces/{namespace}/modelbuilds"
    with api_server.admin() as admin:
        there = admin.post(path, json=build(namespace)).raise_for_status().json()
        there["spec"]["attempt"] = 2
        answer = admin.put(f"{path}/{there['metadata']['name']}", json=there)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "a build never changes; change the OptimizedModel" in answer.json()["message"]


def build(namespace: str) -> Manifest:
    """Return a ModelBuild as the operator makes one."""
    from modelyard.manifests.modelbuild import build_manifest
    from tests.modelyard.manifests.samples import build_spec

    return build_manifest(namespace, build_spec())
