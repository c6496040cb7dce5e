"""A named engine and precision is one digest, whatever the number of cores: another node builds the same artifact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelyard.contract.choices import Candidate
from modelyard.oci.artifact import ARTIFACT_TYPE, image_of
from modelyard.oci.layers import layers_of
from modelyard_runtime.candidates import Trial
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.original import load_original
from modelyard_runtime.repository import name_of
from tests.candidates import HERE
from tests.models.encoder import tiny_encoder
from tests.runtime.proof.bench import Bench, running_bench


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder, but wide enough for engines to share its products among threads."""
    return tiny_encoder(tmp_path_factory.mktemp("wide") / "source", seed=3, hidden=256)


@pytest.fixture(scope="module")
def bench(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The tiny encoder on a Triton of its own."""
    with running_bench(source, tmp_path_factory.mktemp("bench")) as bench:
        yield bench


def digest_on(cores: int, candidate: Candidate, bench: Bench, source: Path) -> str:
    """Build a candidate from the model's files, as a machine of so many cores does."""
    shop = bench.workshop
    original = load_original(source, shop.original.description, threads=cores, most_tokens=shop.longest)
    save_graph(graph_from_torch(original.reference), shop.graph)
    there = replace(shop, original=original, machine=shop.machine.model_copy(update={"cores": cores}))
    trial = Trial(candidate=candidate)
    there.build(trial)
    there.write_artifact(trial)
    return image_of(layers_of(shop.scratch.out), ARTIFACT_TYPE).digest


@pytest.mark.parametrize("candidate", HERE, ids=lambda c: f"{c.engine}-{c.precision}")
def test_building_on_more_cores_gives_the_same_digest(bench: Bench, source: Path, candidate: Candidate) -> None:
    assert len({digest_on(cores, candidate, bench, source) for cores in (1, 4)}) == 1
    # The engines as they are happen to add alike on any number of threads; golden samples don't lean on that.
    config = (bench.workshop.scratch.serve / name_of(candidate) / "config.pbtxt").read_text()
    assert 'key: "threads" value { string_value: "1" }' in config
