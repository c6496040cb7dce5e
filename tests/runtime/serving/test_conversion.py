"""The step that converts, beside a real Triton: what it leaves, that it leaves the same twice, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard.contract import (
    SUPPORTED_CANDIDATES,
    BuildReason,
    BuildReport,
    BuildRequest,
    Candidate,
    CandidateOutcome,
    Engine,
    ExitCode,
    OciFiles,
    Outcome,
    ParityGate,
    Precision,
    Range,
    Shapes,
    Task,
)
from modelyard.gates import outcome_of, parity_verdicts
from modelyard.oci.artifact import ARTIFACT_TYPE, image_of
from modelyard.oci.layers import layers_of
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.golden import Golden
from tests.e2e.models import with_config
from tests.runtime.serving.conftest import Tiny
from tests.runtime.steps import Ended, Steps, build_request
from tests.servers.registry import RunningRegistry
from tests.servers.triton import running_triton

FP32 = Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32)
TINY_SHAPES = Shapes(batch=Range(min=1, opt=2, max=4), sequence=Range(min=8, opt=16, max=128))


@pytest.fixture
def pushed(tiny: Tiny, registry: RunningRegistry) -> OciFiles:
    """The tiny encoder in a registry, as users push it."""
    return push(tiny.source, registry, "tiny")


def push(folder: Path, registry: RunningRegistry, name: str) -> OciFiles:
    from modelyard.oci import artifact
    from modelyard.oci.client import Repository
    from modelyard.oci.reference import Reference

    with Repository(Reference.parse(f"{registry.host}/models/{name}"), plain_http=True) as repository:
        image = artifact.image_of(layers_of(folder), artifact.MODEL_TYPE)
        digest = artifact.push(repository, image, "v1").digest
    return OciFiles(ref=f"{registry.host}/models/{name}@{digest}", plain_http=True)


def convert(steps: Steps, request: BuildRequest) -> Ended:
    """Fetch and convert, with a sidecar as the build pod has it. Returns how the conversion ended."""
    fetched = steps.run("fetch", request)
    assert fetched.code == ExitCode.OK, fetched.log
    with running_triton(steps.scratch / "serve", steps.folder / "sidecar", "--explicit", "--drain-seconds=1") as triton:
        return steps.run("convert", request, MODELYARD_SERVER_PORT=str(triton.http_port))


def request_for(source: OciFiles, *candidates: Candidate, **fields: object) -> BuildRequest:
    return build_request(source).model_copy(update={"candidates": candidates, "shapes": TINY_SHAPES} | fields)


def report_of(steps: Steps) -> BuildReport:
    return BuildReport.model_validate_json((steps.scratch / "report.json").read_text())


def test_a_named_candidate_is_built_proven_and_measured(steps: Steps, pushed: OciFiles) -> None:
    ended = convert(steps, request_for(pushed, FP32))
    assert ended.code == ExitCode.OK, ended.log
    assert (ended.termination.memory_estimate_bytes or 0) > 10**9
    report = report_of(steps)
    parity, speed = report.chosen.parity, report.chosen.speed
    assert parity is not None
    assert speed is not None
    assert outcome_of(parity_verdicts(ParityGate(), Task.EMBEDDING, parity.figures)) is Outcome.PASS
    assert parity.figures["p1Cosine"].samples == 320
    assert parity.figures["minCosine"].lower > 0.9999  # an export of random weights agrees to 1e-4, or it is wrong
    assert "not yours" in parity.dataset
    assert {latency.batch for latency in speed.latencies} >= {1, 2, 8}
    assert {"torch", "onnxruntime", "openvino", "triton"} <= report.versions.keys()
    assert [stage.name for stage in report.stages][:1] == ["fetch"]
    assert not report.source.trained
    out = steps.scratch / "out"
    decision = Decision.read(out / "1")
    assert (decision.engine, decision.precision, decision.pooling) == ("OnnxRuntime", "FP32", "Mean")
    assert dict(decision.layers)["Attention"] == 2
    golden = Golden.read(out)
    assert len(golden.samples) == 8
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {
        *("1/model.onnx", "1/model.onnx.data", "1/modelyard.json", "golden.json")
    }


def test_progress_tells_each_stage_from_start_to_end(steps: Steps, pushed: OciFiles) -> None:
    ended = convert(steps, request_for(pushed, FP32))
    started = [line.stage for line in ended.progress if line.fraction == 0]
    finished = [line.stage for line in ended.progress if line.fraction == 1]
    assert started == finished
    assert started[:3] == ["import", "load", "export"]
    assert {"prove onnxruntime-fp32", "measure onnxruntime-fp32"} <= set(started)


@pytest.mark.parametrize("candidate", SUPPORTED_CANDIDATES, ids=lambda c: f"{c.engine}-{c.precision}")
def test_building_twice_gives_one_digest(tiny: Tiny, tmp_path: Path, pushed: OciFiles, candidate: Candidate) -> None:
    assert candidate in tiny.decisions, "this CPU lacks the candidate's instructions"
    digests = set()
    for number in ("one", "two"):
        (tmp_path / number).mkdir()
        steps = Steps(folder=tmp_path / number)
        ended = convert(steps, request_for(pushed, candidate))
        assert ended.code == ExitCode.OK, ended.log
        digests.add(image_of(layers_of(steps.scratch / "out"), ARTIFACT_TYPE).digest)
    assert len(digests) == 1


def test_auto_takes_one_that_is_proven_and_says_what_became_of_the_others(steps: Steps, pushed: OciFiles) -> None:
    ended = convert(steps, request_for(pushed, *SUPPORTED_CANDIDATES))
    assert ended.code == ExitCode.OK, ended.log
    report = report_of(steps)
    outcomes = {(one.engine, one.precision): one.outcome for one in report.candidates}
    assert list(outcomes.values()).count(CandidateOutcome.CHOSEN) == 1
    assert outcomes[report.engine, report.precision] is CandidateOutcome.CHOSEN
    assert report.chosen.parity is not None
    assert report.chosen.parity.figures["p1Cosine"].samples == 320
    assert len(outcomes) == len(SUPPORTED_CANDIDATES)


def test_auto_takes_none_where_the_gate_can_t_be_held(steps: Steps, pushed: OciFiles) -> None:
    gate = ParityGate(p1_cosine=1.0, min_cosine=1.0, batch_invariance=1.0, neighbours_kept=1.0)
    int8 = Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.INT8_WEIGHTS)
    other = Candidate(engine=Engine.TENSORRT, precision=Precision.FP16)
    ended = convert(steps, request_for(pushed, int8, other, parity=gate))
    assert ended.termination.reason is BuildReason.NO_CANDIDATE, ended.log
    assert "minCosine" in ended.termination.message
    assert "TensorRT at FP16 is not built by this version" in ended.termination.message


@pytest.mark.parametrize(
    ("fields", "reason", "says"),
    [
        ({"task": Task.CLASSIFICATION}, BuildReason.UNSUPPORTED_TASK, "no classification head"),
        ({"task": Task.GENERATION}, BuildReason.UNSUPPORTED_TASK, "Embedding and Classification"),
        ({"shapes": Shapes(sequence=Range(min=1, opt=9, max=4096))}, BuildReason.SHAPES_NOT_POSSIBLE, "512"),
        ({"parity": ParityGate(agreement=0.9)}, BuildReason.GATE_NOT_APPLICABLE, "agreement"),
        (
            {"candidates": (Candidate(engine=Engine.TENSORRT, precision=Precision.FP8),)},
            BuildReason.UNSUPPORTED_PRECISION,
            "it builds",
        ),
    ],
)
def test_what_can_t_be_honoured_is_refused_before_anything_is_loaded(
    steps: Steps, pushed: OciFiles, fields: dict[str, object], reason: BuildReason, says: str
) -> None:
    request = request_for(pushed, FP32).model_copy(update=fields)
    assert steps.run("fetch", request).code == ExitCode.OK
    ended = steps.run("convert", request)
    assert (ended.code, ended.termination.reason) == (ExitCode.REFUSED, reason), ended.log
    assert says in ended.termination.message
    assert ended.progress == []


def test_another_architecture_is_refused_with_the_list_of_those_that_are_built(
    steps: Steps, tiny: Tiny, registry: RunningRegistry, tmp_path: Path
) -> None:
    folder = with_config(tiny.source, tmp_path / "llama", model_type="llama")
    request = request_for(push(folder, registry, "llama"), FP32)
    assert steps.run("fetch", request).code == ExitCode.OK
    ended = steps.run("convert", request)
    assert ended.termination.reason is BuildReason.UNSUPPORTED_ARCHITECTURE
    assert "llama; this version builds bert, roberta" in ended.termination.message


def test_weights_of_another_model_are_refused(
    steps: Steps, tiny: Tiny, registry: RunningRegistry, tmp_path: Path
) -> None:
    folder = with_config(tiny.source, tmp_path / "deeper", num_hidden_layers=5)
    request = request_for(push(folder, registry, "deeper"), FP32)
    assert steps.run("fetch", request).code == ExitCode.OK
    ended = steps.run("convert", request)
    assert ended.termination.reason is BuildReason.SOURCE_INVALID, ended.log
    assert "tensors that config.json describes" in ended.termination.message
    assert ended.termination.memory_estimate_bytes  # told before the weights were touched


def test_an_artifact_holds_no_code_no_path_and_no_serving_setting(steps: Steps, pushed: OciFiles) -> None:
    convert(steps, request_for(pushed, FP32))
    whole = b"".join(path.read_bytes() for path in sorted((steps.scratch / "out").rglob("*")) if path.is_file())
    assert str(steps.folder).encode() not in whole
    assert b"site-packages" not in whole
    assert not list((steps.scratch / "out").rglob("config.pbtxt"))
    assert "threads" not in json.loads((steps.scratch / "out" / "1" / "modelyard.json").read_text())
