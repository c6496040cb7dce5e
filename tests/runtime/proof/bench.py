"""A build's own workshop on a real Triton: what a test makes of a graph is asked as production asks it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from modelyard.contract.choices import Candidate, Task
from modelyard.contract.report import Outcome, Parity
from modelyard.contract.request import BuildRequest, Destination, ParityGate, VolumeFiles
from modelyard.contract.steps import Step
from modelyard.gates import Verdict, outcome_of, parity_verdicts
from modelyard_runtime.candidates import Trial, Workshop
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.handover import Scratch
from modelyard_runtime.machine import this_machine
from modelyard_runtime.models.description import describe
from modelyard_runtime.original import Original, Sample, load_original
from modelyard_runtime.progress import Journal
from modelyard_runtime.repository import name_of
from modelyard_runtime.sidecar import Sidecar
from modelyard_runtime.termination import TerminationLog
from tests.candidates import FP32
from tests.servers.triton import START_SECONDS, running_triton

FEW = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A model, its graph, and the server that candidates are asked in. ``proving`` has the original's answers.

    address: where that server answers HTTP, as clients write it.
    """

    workshop: Workshop
    address: str
    sidecar: Sidecar
    proving: Sample
    extremes: Sample

    @property
    def original(self) -> Original:
        """Return the loaded original."""
        return self.workshop.original

    @property
    def graph(self) -> Path:
        """Return the exported graph."""
        return self.workshop.graph

    def built(self, candidate: Candidate, graph: Path | None = None) -> Trial:
        """Build a candidate, of another graph than the exported one where a test changed it."""
        shutil.rmtree(self.workshop.scratch.serve / name_of(candidate), ignore_errors=True)
        trial = Trial(candidate=candidate)
        replace(self.workshop, graph=graph or self.graph).build(trial)
        return trial

    def version(self, candidate: Candidate) -> Path:
        """Return a candidate's version folder, to change its files before it is asked."""
        return self.workshop.scratch.serve / name_of(candidate) / "1"

    def asked(self, trial: Trial, proving: Sample | None = None) -> Parity:
        """Ask a candidate through the server, other texts than those of the proof where a test wants so."""
        self.workshop.prove(trial, proving or self.proving, self.extremes)
        assert trial.parity is not None
        return trial.parity

    def verdicts(self, parity: Parity, candidate: Candidate) -> tuple[Verdict, ...]:
        """Hold the default gate for this precision, and print what came out."""
        task = self.original.description.task
        verdicts = parity_verdicts(ParityGate(), task, parity.figures, candidate.precision)
        for verdict in verdicts:
            print(f"  {verdict.outcome:12} {verdict.message}")
        return verdicts

    def outcome(self, parity: Parity, candidate: Candidate) -> Outcome:
        """Return what the default gate says."""
        return outcome_of(self.verdicts(parity, candidate))


def of_other_inputs(proving: Sample) -> Sample:
    """Return texts with the answers to others. A hundred are enough to miss by, though not to prove anything."""
    return Sample(texts=[*proving.texts[1:FEW], proving.texts[0]], answers=proving.answers[:FEW])


def first_texts(proving: Sample, *, per_token: bool = False) -> Sample:
    """Return the first hundred texts with their answers, of which a tagger's have one for each token."""
    texts = proving.texts[:FEW]
    return Sample(texts=texts, answers=proving.answers[: sum(map(len, texts)) if per_token else FEW])


@contextmanager
def running_bench(source: Path, folder: Path) -> Iterator[Bench]:
    """Load and export a model, and start a Triton for it, all below ``folder``."""
    scratch = Scratch(root=folder / "scratch")
    scratch.serve.mkdir(parents=True)
    (folder / "triton").mkdir()
    description = describe(source, Task.AUTO)
    machine = this_machine()
    original = load_original(source, description, threads=machine.cores, most_tokens=description.positions)
    graph = folder / "graph" / "model.onnx"
    save_graph(graph_from_torch(original.reference), graph)
    request = _request(description.positions)
    options = ("--explicit", "--stop-seconds", "1")
    with running_triton(scratch.serve, folder / "triton", *options) as triton, triton.client() as server:
        server.wait_live(START_SECONDS)
        sidecar = Sidecar(server=server, repository=scratch.serve, description=description, shapes=request.shapes)
        workshop = Workshop(
            request=request,
            scratch=scratch,
            machine=machine,
            original=original,
            graph=graph,
            server=sidecar,
            journal=Journal(Step.CONVERT, TerminationLog(Step.CONVERT, folder / "termination")),
        )
        yield Bench(
            workshop=workshop,
            address=f"127.0.0.1:{triton.http_port}",
            sidecar=sidecar,
            proving=original.sample(original.proving),
            extremes=original.sample(original.extremes),
        )


def _request(positions: int) -> BuildRequest:
    longest = {"shapes": {"sequence": {"opt": min(128, positions), "max": positions}}}
    return BuildRequest.model_validate(
        {
            "name": "m-0123456789abcdef",
            "key": "ab" * 32,
            "source": VolumeFiles(),
            "candidates": (FP32,),
            "destination": Destination(repository="127.0.0.1:9/m", tag="k1"),
        }
        | longest
    )
