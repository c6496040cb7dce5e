"""One candidate: built, asked for its parity, measured."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from modelyard.contract.choices import Candidate, Objective, Task
from modelyard.contract.report import CandidateOutcome, CandidateReport, GateReport, Machine, Parity, Speed
from modelyard.contract.request import BuildRequest
from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.company import Alone, in_company
from modelyard_runtime.distances import likeness, spread_of
from modelyard_runtime.engines import builder_of, unsupported
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.golden import Golden
from modelyard_runtime.golden import Sample as GoldenSample
from modelyard_runtime.handover import Scratch
from modelyard_runtime.layout import layout_of
from modelyard_runtime.measure import BESIDES, GLANCE, Effort, look_at, speed_of
from modelyard_runtime.models.description import Description
from modelyard_runtime.original import Original, Sample
from modelyard_runtime.parity import caveat_of, parity_of
from modelyard_runtime.progress import Advance, Journal
from modelyard_runtime.repository import VERSION, name_of
from modelyard_runtime.served import Served, Server
from modelyard_runtime.tokens import Encoded

GOLDEN_SAMPLES = 8
GOLDEN_TOKENS = 128
SPREAD_SAMPLES = 32
"""Pairs whose scores tell how far those of a reranker spread."""
GOLDEN_DIGITS = 6


@dataclass(slots=True, kw_only=True)
class Trial:
    """A candidate on its way, filled in as it goes: what it is, then how it answers, then how fast."""

    candidate: Candidate
    decision: Decision | None = None
    parity: Parity | None = None
    speed: Speed | None = None
    size: int | None = None
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def report(self, outcome: CandidateOutcome, gates: tuple[GateReport, ...]) -> CandidateReport:
        """Return what the report says of it. gates: the verdicts on its parity."""
        return CandidateReport(
            engine=self.candidate.engine,
            precision=self.candidate.precision,
            outcome=outcome,
            message="; ".join(self.notes),
            parity=self.parity,
            gates=gates,
            speed=self.speed,
            size=self.size,
            seconds=round(self.seconds, 2),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every candidate of a build is made and asked with."""

    request: BuildRequest
    scratch: Scratch
    machine: Machine
    original: Original
    graph: Path
    server: Server
    journal: Journal

    @property
    def longest(self) -> int:
        """Return the tokens of the longest text that candidates take."""
        return self.request.shapes.sequence.longest(self.original.description.positions)

    def build(self, trial: Trial) -> None:
        """Write the candidate's version folder. Raises BuildFailed.

        The server lets go of the one before: to make a candidate takes the most memory of all.
        """
        self.server.release()
        candidate, description = trial.candidate, self.original.description
        folder = self.scratch.serve / name_of(candidate) / VERSION
        with self.journal.stage(f"build {name_of(candidate)}"), _timed(trial):
            builder = builder_of(candidate)
            if builder is None:
                raise BuildFailed(BuildReason.UNSUPPORTED_PRECISION, unsupported(candidate))
            try:
                layers = builder(self.graph, folder)
            except (RuntimeError, ValueError) as error:
                message = (
                    f"{name_of(candidate)} can't be made of this model: {error}; choose another engine or precision"
                )
                raise BuildFailed(BuildReason.CONVERSION_FAILED, message) from error
            trial.decision = decision_of(candidate, description, self.longest, layers)
            trial.decision.write(folder)
            trial.size = sum(path.stat().st_size for path in folder.iterdir())
            trial.notes.append(", ".join(f"{count} {kind}" for kind, count in layers.items()))

    def prove(self, trial: Trial, sample: Sample, extremes: Sample, *, purpose: str = "") -> None:
        """Ask the candidate the texts of ``sample`` alone and in company. Raises BuildFailed.

        ``purpose`` ends the stage's name: those who watch a build see the same candidate asked twice.
        """
        stage = f"prove {name_of(trial.candidate)}{purpose}"
        with self.journal.stage(stage) as advance, self._served(trial) as candidate:
            parity = self._parity(candidate, sample, extremes, advance)
            caveat = caveat_of(trial.candidate.precision, trained=self.original.trained)
            trial.parity = parity.model_copy(update={"caveat": caveat})

    def glance(self, trial: Trial, batch: int) -> None:
        """Measure the candidate's speed at one batch size, in a few blocks. Raises BuildFailed."""
        self._look(trial, batch, GLANCE, stage="glance at")

    def compare(self, trial: Trial, batch: int) -> None:
        """Measure the candidate's speed at one batch size, long enough to rank it by. Raises BuildFailed."""
        self._look(trial, batch, BESIDES, stage="compare")

    def measure(self, trial: Trial) -> None:
        """Measure the candidate's speed beside the original. Raises BuildFailed."""
        shapes, cores = self.request.shapes, self.machine.cores
        with self.journal.stage(f"measure {name_of(trial.candidate)}") as advance, self._served(trial) as candidate:
            original = self.original.reference.answer
            alone = [1] if self.request.objective is Objective.LATENCY else []
            measured = speed_of(
                original,
                candidate,
                shapes,
                decide=frozenset({shapes.batch.opt, *alone}),
                limit=self.longest,
                threads=cores,
                advance=advance,
            )
        trial.speed = measured.speed
        trial.notes += [measured.noise] if measured.noise else []

    def write_artifact(self, trial: Trial) -> None:
        """Write the artifact's files where ``publish`` finds them: the version folder and golden samples."""
        out = self.scratch.out
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(self.scratch.serve / name_of(trial.candidate) / VERSION, out / VERSION)
        self.golden(trial).write(out)

    def golden(self, trial: Trial) -> Golden:
        """Return golden samples with the candidate's answers: short texts, since every start of a pod asks them.

        Answered on one thread, as a revision's instances run: on more, the order of additions and with it the
        artifact's digest would depend on how many cores the build happens to have.
        """
        short = sorted((text for text in self.original.replayed if len(text) <= GOLDEN_TOKENS), key=len)
        picked = _evenly(short, GOLDEN_SAMPLES)
        description, spread = self.original.description, 1.0
        with self._served(trial, threads=1) as candidate:
            answers = candidate.alone(picked)
            if description.task is Task.RERANKING:
                spread = spread_of(np.concatenate(candidate.alone(_evenly(short, SPREAD_SAMPLES))))
        samples = tuple(
            GoldenSample(
                input_ids=tuple(text.ids.tolist()),
                answer=tuple(np.round(rows.astype(float), GOLDEN_DIGITS).ravel().tolist()),
                token_type_ids=tuple(text.types.tolist()) if description.token_types else (),
            )
            for text, rows in zip(picked, answers, strict=True)
        )
        return Golden(
            task=description.task,
            output=description.output,
            multi_label=description.multi_label,
            samples=samples,
            spread=spread,
        )

    def _look(self, trial: Trial, batch: int, effort: Effort, *, stage: str) -> None:
        original, shapes = self.original.reference.answer, self.request.shapes
        with self.journal.stage(f"{stage} {name_of(trial.candidate)}"), self._served(trial) as candidate:
            trial.speed = look_at(
                original,
                candidate,
                shapes,
                batch=batch,
                effort=effort,
                limit=self.longest,
                threads=self.machine.cores,
            )

    def _parity(self, candidate: Served, sample: Sample, extremes: Sample, advance: Advance) -> Parity:
        description = self.original.description
        asked = []
        for number, text in enumerate(sample.texts):
            asked.append(candidate.together([text]))
            advance(number / len(sample.texts))
        got, layout = np.concatenate(asked), layout_of(sample.texts, per_token=description.per_token)
        spread = spread_of(sample.answers)
        alone = Alone(texts=sample.texts, answers=got, layout=layout, spread=spread)
        company = in_company(candidate, description, alone, extremes.texts)
        to_extremes = np.concatenate(candidate.alone(extremes.texts))
        read = layout_of(extremes.texts, per_token=description.per_token).counts
        return parity_of(
            description,
            self.original.dataset,
            want=sample.answers,
            got=got,
            layout=layout,
            invariance=company.likeness,
            extremes=likeness(description, extremes.answers[read], to_extremes[read], spread=spread),
            every=np.concatenate([got, company.answers, to_extremes]),
        )

    @contextmanager
    def _served(self, trial: Trial, *, threads: int | None = None) -> Iterator[Served]:
        """Have it served, on every core unless ``threads`` says otherwise."""
        if trial.decision is None:
            raise RuntimeError(f"{name_of(trial.candidate)} is asked before it is built")
        threads = threads or self.machine.cores
        with _timed(trial), self.server.serving(trial.candidate, trial.decision, threads=threads) as candidate:
            yield candidate


def decision_of(candidate: Candidate, description: Description, most_tokens: int, layers: dict[str, int]) -> Decision:
    """Return what the artifact says of how it is run."""
    return Decision(
        engine=candidate.engine,
        precision=candidate.precision,
        task=description.task,
        output=description.output,
        size=description.size,
        max_sequence=most_tokens,
        vocabulary=description.vocabulary,
        pad_token=description.pad_token,
        inputs=description.inputs,
        pooling=description.pooling,
        normalized=description.normalized,
        labels=description.labels,
        multi_label=description.multi_label,
        layers=tuple(sorted(layers.items())),
    )


def _evenly(texts: Sequence[Encoded], count: int) -> list[Encoded]:
    """Return so many texts from the first to the last."""
    return [texts[round(i * (len(texts) - 1) / (count - 1))] for i in range(count)]


@contextmanager
def _timed(trial: Trial) -> Iterator[None]:
    began = time.monotonic()
    yield
    trial.seconds += time.monotonic() - began
