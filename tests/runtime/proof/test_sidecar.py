"""The server beside a build keeps a candidate that is asked again, and loads whatever is another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from modelyard_runtime.candidates import Trial
from modelyard_runtime.repository import name_of
from tests.candidates import FP32
from tests.models.encoder import tiny_encoder
from tests.runtime.proof.bench import Bench, running_bench


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A built candidate that was asked once."""

    bench: Bench
    trial: Trial

    def loads(self) -> int:
        """Return how often Triton loaded it so far, by Triton's own log."""
        log = self.bench.workshop.scratch.root.parent / "triton" / "log"
        return log.read_text(errors="replace").count(f"loading: {name_of(FP32)}:1")

    def ask(self, threads: int = 2) -> None:
        """Ask it one text."""
        assert self.trial.decision is not None
        with self.bench.sidecar.serving(FP32, self.trial.decision, threads=threads) as served:
            served.alone(self.bench.proving.texts[:1])


@pytest.fixture
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A tiny encoder on a Triton of its own."""
    folder = tmp_path_factory.mktemp("tiny")
    with running_bench(tiny_encoder(folder / "model", seed=1), folder) as bench:
        asked = Asked(bench=bench, trial=bench.built(FP32))
        asked.ask()
        assert asked.loads() == 1
        yield asked


def test_only_what_is_another_one_is_loaded(asked: Asked) -> None:
    asked.ask()
    assert asked.loads() == 1
    asked.ask(threads=1)
    assert asked.loads() == 2
    graph = next(asked.bench.version(FP32).glob("*.onnx"))
    graph.write_bytes(graph.read_bytes())
    asked.ask(threads=1)
    assert asked.loads() == 3
    asked.bench.sidecar.server.unload(name_of(FP32))  # as after a start of the server anew
    asked.ask(threads=1)
    assert asked.loads() == 4


def test_a_build_has_the_memory_to_itself(asked: Asked) -> None:
    sidecar = asked.bench.sidecar
    assert sidecar.server.ready(name_of(FP32))
    asked.bench.built(FP32)
    assert not sidecar.server.ready(name_of(FP32))
