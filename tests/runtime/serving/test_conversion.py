"""The step that converts, beside a real Triton: what it leaves, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from modelyard.contract.choices import SUPPORTED_CANDIDATES, Candidate, Engine, Objective, Precision, Task
from modelyard.contract.dataset import DatasetFile, digest_of
from modelyard.contract.report import Asked, BuildReport, CandidateOutcome, Outcome
from modelyard.contract.request import BatchSize, BuildRequest, Length, OciFiles, ParityGate, Shapes
from modelyard.contract.steps import BuildReason, ExitCode
from modelyard.gates import outcome_of, parity_verdicts
from modelyard.oci.artifact import ARTIFACT_TYPE, MODEL_TYPE, image_of
from modelyard.oci.artifact import push as push_image
from modelyard.oci.client import Repository
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference
from modelyard.report.schema import FILE
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.engines import builder_of
from modelyard_runtime.golden import Golden
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.models.reference import load_reference
from modelyard_runtime.repository import name_of
from tests.candidates import FP32, HERE
from tests.models.broken import with_config
from tests.models.encoder import tiny_encoder
from tests.runtime.serving.conftest import Tiny
from tests.runtime.steps import Ended, Steps, build_request
from tests.servers.registry import RunningRegistry
from tests.servers.triton import running_triton

TINY_SHAPES = Shapes(batch=BatchSize(opt=2), sequence=Length(opt=16, max=128))
POSITIONS = 48
SHORT_SHAPES = Shapes(batch=BatchSize(opt=2))


@pytest.fixture(scope="module")
def pushed(tiny: Tiny, registry: RunningRegistry) -> OciFiles:
    """The tiny encoder in a registry, as users push it."""
    return push(tiny.source, registry, "tiny")


def push(folder: Path, registry: RunningRegistry, name: str) -> OciFiles:
    """Push a folder and return it as a source."""
    with Repository(Reference.parse(f"{registry.host}/models/{name}"), plain_http=True) as repository:
        digest = push_image(repository, image_of(layers_of(folder), MODEL_TYPE), "v1").digest
    return OciFiles(ref=f"{registry.host}/models/{name}@{digest}", plain_http=True)


def convert(steps: Steps, request: BuildRequest, **variables: str) -> Ended:
    """Fetch and convert, with a sidecar as the build pod has it. Returns how the conversion ended."""
    fetched = steps.run("fetch", request)
    assert fetched.code == ExitCode.OK, fetched.log
    with running_triton(steps.scratch / "serve", steps.folder / "sidecar", "--explicit", "--stop-seconds=1") as triton:
        return steps.run("convert", request, MODELYARD_SERVER_PORT=str(triton.http_port), **variables)


def request_for(source: OciFiles, *candidates: Candidate, **fields: object) -> BuildRequest:
    return build_request(source).model_copy(update={"candidates": candidates, "shapes": TINY_SHAPES} | fields)


def digest_in(steps: Steps) -> str:
    """Return the digest of the artifact that was built."""
    return image_of(layers_of(steps.scratch / "out"), ARTIFACT_TYPE).digest


def report_of(steps: Steps) -> BuildReport:
    return BuildReport.model_validate_json((steps.scratch / "report.json").read_text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A finished conversion."""

    steps: Steps
    ended: Ended


@pytest.fixture(scope="module")
def short(registry: RunningRegistry, tmp_path_factory: pytest.TempPathFactory) -> OciFiles:
    """A tiny encoder of few positions: it needs no words about shapes."""
    folder = tiny_encoder(tmp_path_factory.mktemp("short") / "model", seed=2, positions=POSITIONS)
    return push(folder, registry, "short")


@pytest.fixture(scope="module")
def converted(short: OciFiles, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """The short encoder, converted once by name."""
    steps = Steps(folder=tmp_path_factory.mktemp("converted"))
    ended = convert(steps, request_for(short, FP32, shapes=SHORT_SHAPES))
    assert ended.code == ExitCode.OK, ended.log
    return Converted(steps=steps, ended=ended)


def test_a_named_candidate_is_built_proven_and_measured(converted: Converted) -> None:
    steps, ended = converted.steps, converted.ended
    assert (ended.termination.memory_estimate_bytes or 0) > 10**9
    report = report_of(steps)
    parity, speed = report.chosen.parity, report.chosen.speed
    assert parity is not None
    assert speed is not None
    verdicts = parity_verdicts(ParityGate(), Task.EMBEDDING, parity.figures, Precision.FP32, trained=False)
    assert outcome_of(verdicts) is Outcome.PASS
    assert [verdict.gate for verdict in verdicts][-2:] == ["nonFinite", "greatestError"]
    assert parity.figures["p1Cosine"].samples == 320
    assert parity.figures["nonFinite"].samples > 320 + 18, "neighbours and extremes are looked at as well"
    assert "no quality" in parity.caveat
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


def test_the_report_of_a_build_validates_and_keeps_what_was_held_and_how_far_answers_lie(
    converted: Converted, root: Path
) -> None:
    schema = json.loads((root / FILE).read_text())
    written = json.loads((converted.steps.scratch / "report.json").read_text())
    jsonschema.validate(written, schema, cls=jsonschema.Draft202012Validator)
    report = report_of(converted.steps)
    assert report.asked == Asked(objective=Objective.THROUGHPUT, batch=2, sequence=128)
    assert {(gate.gate, gate.outcome) for gate in report.chosen.gates} >= {("greatestError", Outcome.PASS)}
    assert report.chosen.parity is not None
    distribution = report.chosen.parity.distribution
    assert distribution is not None
    assert (distribution.samples, distribution.quantiles[0].share, distribution.quantiles[-1].share) == (320, 0, 1)
    assert 0 <= distribution.quantiles[-1].distance < 1e-6


def test_your_texts_prove_it_and_nothing_of_them_is_in_the_artifact(
    converted: Converted, steps: Steps, short: OciFiles, tmp_path: Path
) -> None:
    data = "\n".join(f"ticket {number}: the printer, again" for number in range(470)).encode()
    (tmp_path / "tickets.txt").write_bytes(data)
    yours = DatasetFile(config_map="tickets", key="tickets.txt", column="text", digest=digest_of(data))
    request = request_for(short, FP32, shapes=SHORT_SHAPES, dataset=yours)
    ended = convert(steps, request, MODELYARD_DATASET_FOLDER=str(tmp_path))
    assert ended.code == ExitCode.OK, ended.log
    parity = report_of(steps).chosen.parity
    assert parity is not None
    assert parity.dataset.startswith("yours: tickets.txt of ConfigMap tickets (sha256:")
    assert parity.figures["p1Cosine"].samples == 310
    assert digest_in(steps) == digest_in(converted.steps)


def test_progress_tells_each_stage_from_start_to_end(converted: Converted) -> None:
    ended = converted.ended
    started = list(dict.fromkeys(line.stage for line in ended.progress if line.fraction == 0))
    finished = [line.stage for line in ended.progress if line.message]
    assert started == finished
    assert started[:3] == ["import", "load", "export"]
    assert {"prove onnxruntime-fp32", "measure onnxruntime-fp32"} <= set(started)


def test_a_model_of_few_positions_needs_no_words_about_shapes(converted: Converted) -> None:
    assert Decision.read(converted.steps.scratch / "out" / "1").max_sequence == POSITIONS
    speed = report_of(converted.steps).chosen.speed
    assert speed is not None
    assert {latency.sequence for latency in speed.latencies} == {POSITIONS}


@pytest.mark.parametrize("candidate", HERE, ids=lambda c: f"{c.engine}-{c.precision}")
def test_each_engine_makes_the_same_files_from_the_same_model(tiny: Tiny, tmp_path: Path, candidate: Candidate) -> None:
    builder = builder_of(candidate)
    assert builder is not None
    save_graph(graph_from_torch(load_reference(tiny.source, tiny.description)), tmp_path / "graph" / "model.onnx")
    builder(tmp_path / "graph" / "model.onnx", tmp_path / "1")
    first = tiny.repository / name_of(candidate) / "1"
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (first / path.name).read_bytes(), path.name


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
    failed = {(one.engine, one.precision) for one in SUPPORTED_CANDIDATES if one not in HERE}
    assert {way for way, outcome in outcomes.items() if outcome is CandidateOutcome.FAILED} == failed


@pytest.mark.parametrize(
    ("fields", "reason", "says"),
    [
        ({"task": Task.CLASSIFICATION}, BuildReason.UNSUPPORTED_TASK, "no head for task Classification"),
        ({"task": Task.TOKEN_CLASSIFICATION}, BuildReason.UNSUPPORTED_TASK, "no head for task TokenClassification"),
        (
            {"task": Task.GENERATION},
            BuildReason.UNSUPPORTED_TASK,
            "Embedding, Classification, TokenClassification and Reranking are",
        ),
        ({"shapes": Shapes(sequence=Length(opt=9, max=4096))}, BuildReason.SHAPES_NOT_POSSIBLE, "512"),
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


def test_an_artifact_holds_no_path_of_the_machine_and_no_serving_setting(converted: Converted) -> None:
    out = converted.steps.scratch / "out"
    whole = b"".join(path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file())
    assert str(converted.steps.folder).encode() not in whole
    assert b"site-packages" not in whole
    assert not list(out.rglob("config.pbtxt"))
    assert "threads" not in json.loads((out / "1" / "modelyard.json").read_text())
