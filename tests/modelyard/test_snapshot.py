"""A snapshot names what it decides, and nothing else; every version reads those of the one before."""

from __future__ import annotations

import pytest

from modelyard.api.model import BatchingSpec, OptimizedModelSpec
from modelyard.api.pod import PodOverlay, ResourcesSpec
from modelyard.contract.choices import Candidate, Engine, Objective, Precision, Task
from modelyard.contract.request import ParityGate, Shapes
from modelyard.errors import SnapshotUnreadable
from modelyard.pins import AdapterPin, ArtifactPin, DatasetPin, HuggingFacePin, ObjectStorePin, OciPin, PvcPin
from modelyard.snapshot import (
    BuildSnapshot,
    ServingSnapshot,
    build_key,
    revision_name,
    snapshot_from,
    snapshot_of,
    spec_digest,
)

BUILD = BuildSnapshot(
    source=HuggingFacePin(repo="org/name", commit="c" * 40, endpoint="https://hub.example.com"),
    task=Task.AUTO,
    candidates=(Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32),),
    shapes=Shapes(),
    runtime_image="runtime:1",
)
SERVING = ServingSnapshot(
    model_name="m",
    operator_image="operator:1",
    triton_image="triton:1",
    registry="registry.example.com",
    resources=ResourcesSpec(),
    batching=BatchingSpec(),
    instances=2,
    pod=PodOverlay(),
    drain_seconds=15,
)
TEXTS = DatasetPin(config_map="texts", key="texts.csv", column="text", digest="sha256:1")
SUPPORT = AdapterPin(name="support", source=OciPin(repository="a.example.com/support", digest="sha256:2"))
TONE = AdapterPin(name="tone", source=PvcPin(claim_name="adapters", path="tone"))
OTHER_HUB = HuggingFacePin(repo="org/name", commit="c" * 40, endpoint="https://mirror.example.com", token_secret="hf")  # noqa: S106 - a name
IN_A_STORE = ObjectStorePin(url="s3://models/m", credentials_secret="s3")  # noqa: S106 - a name
MOVED_REGISTRY = OciPin(repository="b.example.com/m", digest="sha256:1", pull_secret="s")  # noqa: S106 - a name


@pytest.mark.parametrize(
    "change",
    [
        {"source": HuggingFacePin(repo="org/name", commit="d" * 40, endpoint="https://hub.example.com")},
        {"source": PvcPin(claim_name="models")},
        {"source": ObjectStorePin(url="s3://models/m")},
        {"task": Task.EMBEDDING},
        {"candidates": (Candidate(engine=Engine.OPENVINO, precision=Precision.BF16),)},
        {"objective": Objective.LATENCY},
        {"shapes": Shapes.model_validate({"batch": {"opt": 4}})},
        {"shapes": Shapes.model_validate({"sequence": {"opt": 128, "max": 256}})},
        {"parity": ParityGate(p1_cosine=0.9)},
        {"dataset": TEXTS},
        {"adapters": (SUPPORT,)},
        {"runtime_image": "runtime:2"},
        {"runtime_image": f"runtime:1@sha256:{'1' * 64}"},
    ],
)
def test_whatever_decides_the_bytes_decides_the_key(change: dict[str, object]) -> None:
    assert build_key(BUILD.model_copy(update=change)) != build_key(BUILD)


def test_where_bytes_come_from_does_not_decide_the_key() -> None:
    assert build_key(BUILD.model_copy(update={"source": OTHER_HUB})) == build_key(BUILD)
    here = BUILD.model_copy(update={"source": OciPin(repository="a.example.com/m", digest="sha256:1")})
    assert build_key(here.model_copy(update={"source": MOVED_REGISTRY})) == build_key(here)
    asked = BUILD.model_copy(update={"dataset": TEXTS})
    moved = TEXTS.model_copy(update={"config_map": "texts-2"})
    assert build_key(asked.model_copy(update={"dataset": moved})) == build_key(asked)
    for change in ({"digest": "sha256:2"}, {"column": "body"}, {"key": "texts.txt"}):
        other = TEXTS.model_copy(update=change)
        assert build_key(asked.model_copy(update={"dataset": other})) != build_key(asked)
    merged = BUILD.model_copy(update={"adapters": (SUPPORT, TONE)})
    renamed = SUPPORT.model_copy(update={"name": "help"})
    assert build_key(merged.model_copy(update={"adapters": (renamed, TONE)})) == build_key(merged)
    stronger = SUPPORT.model_copy(update={"scale": 2.0})
    for others in ((SUPPORT,), (TONE, SUPPORT), (stronger, TONE)):
        assert build_key(merged.model_copy(update={"adapters": others})) != build_key(merged)
    mirrored = "mirror.example.com:5000/ghcr.io/modelyard/runtime:1"
    assert build_key(BUILD.model_copy(update={"runtime_image": mirrored})) == build_key(BUILD)


@pytest.mark.parametrize(
    "change", [{"url": "s3://models/n"}, {"revision": "2"}, {"endpoint": "https://s3.example.com"}]
)
def test_a_bucket_is_another_at_another_endpoint(change: dict[str, str]) -> None:
    here = BUILD.model_copy(update={"source": IN_A_STORE})
    there = BUILD.model_copy(update={"source": IN_A_STORE.model_copy(update=change)})
    assert build_key(there) != build_key(here)
    secret = IN_A_STORE.model_copy(update={"credentials_secret": "other"})
    assert build_key(BUILD.model_copy(update={"source": secret})) == build_key(here)


def test_a_promoted_artifact_is_its_digest_wherever_it_lies() -> None:
    here = BUILD.model_copy(update={"source": ArtifactPin(repository="a.example.com/n/b", digest="sha256:1")})
    there = ArtifactPin(repository="b.example.com/n/b", digest="sha256:1", plain_http=True, pull_secret="s")  # noqa: S106 - a name
    assert build_key(here.model_copy(update={"source": there})) == build_key(here)
    other = ArtifactPin(repository="a.example.com/n/b", digest="sha256:2")
    assert build_key(here.model_copy(update={"source": other})) != build_key(here)


def test_a_key_never_changes_between_versions() -> None:
    # Changing this moves every model of every user to a new build: only with a reason in the changelog.
    assert build_key(BUILD) == "1ed10dd28aa44d7e50bdf748d47241b27c996f917af6d08935bf66856a5023f4"


def test_serving_and_attempt_decide_the_revision() -> None:
    key = build_key(BUILD)
    first = revision_name(BUILD, key, 1, SERVING)
    assert len(first) == 8
    assert revision_name(BUILD, key, 2, SERVING) != first
    assert revision_name(BUILD, key, 1, SERVING.model_copy(update={"triton_image": "triton:2"})) != first


def test_a_snapshot_is_read_back_as_it_was() -> None:
    snapshot = snapshot_of(BUILD, SERVING, attempt=1, proxy_image="envoy:1")
    assert snapshot_from(snapshot.to_dict()) == snapshot


def test_a_field_of_a_newer_version_is_no_obstacle() -> None:
    snapshot = snapshot_of(BUILD, SERVING, attempt=1, proxy_image="envoy:1")
    data = snapshot.to_dict()
    data["serving"]["added"] = data["added"] = "later"
    assert snapshot_from(data) == snapshot


def test_a_snapshot_that_is_none_is_said_so() -> None:
    with pytest.raises(SnapshotUnreadable, match="can't be read"):
        snapshot_from({"buildKey": 1})


def spec(**fields: object) -> OptimizedModelSpec:
    return OptimizedModelSpec.model_validate({"source": {"huggingFace": {"repo": "org/name"}}, **fields})


@pytest.mark.parametrize(
    ("fields", "resolves"),
    [
        ({"suspend": True}, False),
        ({"rollout": {"progressDeadline": "1m"}}, False),
        ({"traffic": {"proxy": {"replicas": 3}}}, False),
        ({"serving": {"replicas": 3}}, False),
        ({"gates": {"onFailure": "Hold"}}, False),
        ({"task": "Auto"}, False),
        ({"task": "Embedding"}, True),
        ({"optimization": {"precision": "FP32"}}, True),
        ({"serving": {"instances": 3}}, True),
        ({"gates": {"parity": {"p1Cosine": 0.9}}}, True),
    ],
)
def test_only_what_is_resolved_resolves_anew(fields: dict[str, object], resolves: bool) -> None:  # noqa: FBT001 - a table's column
    assert (spec_digest(spec(**fields)) != spec_digest(spec())) is resolves


@pytest.mark.parametrize(
    ("optimization", "resolves"),
    [
        ({}, True),
        ({"engine": "OnnxRuntime"}, True),
        ({"precision": "FP32"}, True),
        ({"engine": "OnnxRuntime", "precision": "FP32"}, False),
    ],
)
def test_the_parity_gate_resolves_anew_only_where_it_decides_what_is_built(
    optimization: dict[str, str],
    resolves: bool,  # noqa: FBT001 - a table's column
) -> None:
    loosened = spec(optimization=optimization, gates={"parity": {"p1Cosine": 0.9}})
    assert (spec_digest(loosened) != spec_digest(spec(optimization=optimization))) is resolves
