"""A named engine and precision is one digest, whatever the cores and whoever builds: Job, command or library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelyard.cli import main
from modelyard.contract.choices import INPUTS, Candidate
from modelyard.oci.artifact import ARTIFACT_TYPE, image_of
from modelyard.oci.layers import layers_of
from modelyard_runtime import Artifact, NotProven, optimize
from modelyard_runtime.backend.rows import BadRequest, padded
from modelyard_runtime.candidates import Trial, Workshop
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.original import load_original
from modelyard_runtime.repository import name_of
from tests.candidates import FP32, HERE
from tests.models.encoder import tiny_encoder
from tests.runtime.proof.bench import Bench, running_bench

NO_SPEED = {"performance": {"minSpeedup": 0}}
"""A tiny model's speed is the calls' own, and noise."""

MANIFEST = """
apiVersion: modelyard.dev/v1alpha1
kind: OptimizedModel
metadata: {{name: wide}}
spec:
  source: {{objectStore: {{url: "{url}"}}}}
  optimization: {{engine: OnnxRuntime, precision: FP32}}
  gates: {{performance: {{minSpeedup: 0}}}}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder, but wide enough for engines to share its products among threads."""
    return tiny_encoder(tmp_path_factory.mktemp("wide") / "source", seed=3, hidden=256)


@pytest.fixture(scope="module")
def bench(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The tiny encoder on a Triton of its own."""
    with running_bench(source, tmp_path_factory.mktemp("bench")) as bench:
        yield bench


@pytest.fixture(scope="module")
def shops(bench: Bench, source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Workshop]:
    """The workshops of machines of one and of four cores, each with the graph that it exported."""
    shops = {}
    for cores in (1, 4):
        shop = bench.workshop
        original = load_original(source, shop.original.description, threads=cores, most_tokens=shop.longest)
        graph = tmp_path_factory.mktemp(f"graph-of-{cores}") / "model.onnx"
        save_graph(graph_from_torch(original.reference), graph)
        machine = shop.machine.model_copy(update={"cores": cores})
        shops[cores] = replace(shop, original=original, machine=machine, graph=graph)
    return shops


def digest_of(candidate: Candidate, shop: Workshop) -> str:
    """Build a candidate as its workshop's machine does."""
    trial = Trial(candidate=candidate)
    shop.build(trial)
    shop.write_artifact(trial)
    return image_of(layers_of(shop.scratch.out), ARTIFACT_TYPE).digest


@pytest.mark.parametrize("candidate", HERE, ids=lambda c: f"{c.engine}-{c.precision}")
def test_building_on_more_cores_gives_the_same_digest(shops: dict[int, Workshop], candidate: Candidate) -> None:
    assert len({digest_of(candidate, shop) for shop in shops.values()}) == 1
    # The engines as they are happen to add alike on any number of threads; golden samples don't lean on that.
    config = (shops[1].scratch.serve / name_of(candidate) / "config.pbtxt").read_text()
    assert 'key: "threads" value { string_value: "1" }' in config


@pytest.fixture(scope="module")
def built(source: Path) -> Artifact:
    """The tiny encoder, built by the library."""
    return optimize(source, engine="OnnxRuntime", precision="FP32", gates=NO_SPEED)


def test_library_command_and_job_make_the_same_artifact(
    shops: dict[int, Workshop], built: Artifact, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = digest_of(FP32, shops[4])
    assert built.digest == job
    manifest, output = tmp_path / "wide.yaml", tmp_path / "built"
    manifest.write_text(MANIFEST.format(url=f"{source.as_uri()}/"))
    assert main(["build", "-f", str(manifest), "-o", str(output)]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == job
    assert "convert: prove onnxruntime-fp32: " in told.err
    assert {path.name for path in output.iterdir()} == {"model", "report.json"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_artifact_is_called_like_the_original_and_kept(bench: Bench, built: Artifact, tmp_path: Path) -> None:
    kept = built.save(tmp_path / "kept")
    assert kept.report.served_by == "the build's own process, without a server"
    assert "triton" not in kept.report.versions
    texts = bench.original.proving[:4]
    batch = padded([text.tensors(INPUTS) for text in texts], pad_token=0)
    want = bench.original.reference.answers(texts)
    for artifact in (built, kept, Artifact.load(tmp_path / "kept")):
        assert np.abs(artifact(**batch) - want).max() < 1e-5
        assert np.abs(artifact(texts[0].ids[None]) - want[:1]).max() < 1e-5
    with pytest.raises(BadRequest, match="outside this model's vocabulary"):
        kept([[10**6]])
    with pytest.raises(FileExistsError):
        kept.save(tmp_path / "kept")


def test_what_is_not_proven_is_no_result_but_can_be_looked_at_and_kept(source: Path, tmp_path: Path) -> None:
    gates = {"performance": {"minSpeedup": 1000}}
    with pytest.raises(NotProven, match=r"PerformanceMissed: minSpeedup .* < 1000") as refused:
        optimize(source, engine="OpenVINO", precision="FP32", gates=gates)
    assert refused.value.artifact.report.chosen.speed is not None
    kept = refused.value.artifact.save(tmp_path / "kept")
    del refused  # and the folder of what was built with it
    assert kept([[5, 6, 7]]).shape == (1, 256)
