"""A conversion from the loaded original to the artifact's files and the report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from modelyard.contract.choices import Candidate
from modelyard.contract.dataset import DATASET_FOLDER, DATASET_VARIABLE
from modelyard.contract.report import AdapterReport, Asked, BuildReport, CandidateReport, Machine, SourceReport, Stage
from modelyard.contract.request import BuildRequest
from modelyard_runtime.candidates import Workshop
from modelyard_runtime.contest import Contest
from modelyard_runtime.graph_from_torch import graph_from_torch, save_graph
from modelyard_runtime.handover import Scratch
from modelyard_runtime.machine import peak_memory
from modelyard_runtime.memory import parameters_of
from modelyard_runtime.models.adapters import Adapter
from modelyard_runtime.models.description import Description
from modelyard_runtime.original import Original, load_original
from modelyard_runtime.progress import Journal
from modelyard_runtime.served import Server
from modelyard_runtime.text.selection import Texts
from modelyard_runtime.text.yours import your_texts

PACKAGES = (
    "modelyard",
    "torch",
    "transformers",
    "tokenizers",
    "onnx",
    "onnx-ir",
    "onnxscript",
    "onnxruntime",
    "openvino",
    "numpy",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One conversion of a model that was described and found to be possible."""

    request: BuildRequest
    scratch: Scratch
    journal: Journal
    description: Description
    adapters: tuple[Adapter, ...]
    machine: Machine
    server: Server

    def run(self) -> None:
        """Write the artifact's files and the report. Raises BuildFailed."""
        workshop = self._workshop()
        contest = Contest(workshop=workshop)
        winner, candidates = contest.decided()
        with self.journal.stage("write"):
            workshop.write_artifact(contest.trial(winner))
        report = self._report(workshop.original, winner, candidates)
        self.scratch.report.write_text(report.to_json())

    def _workshop(self) -> Workshop:
        """Load the original, export it, and wait for the server."""
        request, machine, scratch, journal = self.request, self.machine, self.scratch, self.journal
        with journal.stage("load"):
            longest = request.shapes.sequence.longest(self.description.positions)
            original = load_original(
                scratch.source,
                self.description,
                threads=machine.cores,
                most_tokens=longest,
                yours=self._yours(),
                adapters=self.adapters,
            )
        graph = scratch.root / "graph" / "model.onnx"
        with journal.stage("export"):
            save_graph(graph_from_torch(original.reference), graph)
        with journal.stage("wait for the server"):
            self.server.wait()
        return Workshop(
            request=request,
            scratch=scratch,
            machine=machine,
            original=original,
            graph=graph,
            server=self.server,
            journal=journal,
        )

    def _yours(self) -> Texts[str] | None:
        """Return the user's texts, if the build is to ask them."""
        dataset = self.request.dataset
        return your_texts(dataset, Path(os.environ.get(DATASET_VARIABLE, DATASET_FOLDER))) if dataset else None

    def _fetching(self) -> list[Stage]:
        """Return the stages of the steps before this one."""
        adapters = [self.scratch.read_adapter_fetched(one.name) for one in self.adapters]
        return [stage for fetched in (self.scratch.read_fetched(), *adapters) for stage in fetched.stages]

    def _adapter(self, adapter: Adapter) -> AdapterReport:
        fetched = self.scratch.read_adapter_fetched(adapter.name)
        return AdapterReport(
            name=adapter.name, scale=adapter.scale, kind=fetched.kind, ref=fetched.ref, digest=fetched.digest
        )

    def _report(self, original: Original, winner: Candidate, candidates: tuple[CandidateReport, ...]) -> BuildReport:
        fetched, shapes = self.scratch.read_fetched(), self.request.shapes
        packages = (*PACKAGES, "peft") if self.adapters else PACKAGES
        versions = {"python": python_version()} | self.server.versions() | {name: version(name) for name in packages}
        return BuildReport(
            name=self.request.name,
            key=self.request.key,
            source=SourceReport(
                kind=fetched.kind,
                ref=fetched.ref,
                digest=fetched.digest,
                adapters=tuple(map(self._adapter, self.adapters)),
                architecture=self.description.architecture,
                model_type=self.description.family.model_type,
                task=self.description.task,
                pooling=self.description.pooling,
                inputs=self.description.inputs,
                parameters=parameters_of(self.scratch.source),
                trained=original.trained,
            ),
            asked=Asked(objective=self.request.objective, batch=shapes.batch.opt, sequence=shapes.sequence.opt),
            engine=winner.engine,
            precision=winner.precision,
            candidates=candidates,
            machine=self.machine,
            served_by=self.server.name,
            versions=versions,
            images=self.request.images,
            stages=(*self._fetching(), *self.journal.timings),
            started_at=fetched.started_at,
            finished_at=datetime.now(UTC),
            peak_memory_bytes=peak_memory(),
        )
