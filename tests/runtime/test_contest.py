"""The contest of candidates: who is measured at length, who wins where the fastest is not proven, who fails alone.

The workshop is played: what it would build and ask, and how that comes out, is a table here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modelyard.contract.choices import Candidate, Engine, Objective, Precision, Task
from modelyard.contract.report import (
    CandidateOutcome,
    CandidateReport,
    Figure,
    Latency,
    Machine,
    Outcome,
    Parity,
    Speed,
)
from modelyard.contract.request import ParityGate, Shapes
from modelyard.contract.steps import BuildReason
from modelyard_runtime.candidates import Trial, Workshop
from modelyard_runtime.contest import SELECTING, Contest
from modelyard_runtime.errors import BuildFailed
from tests.candidates import BF16, FP32, INT8_WEIGHTS

ALL = (BF16, INT8_WEIGHTS, FP32)
SPEEDS = {BF16: 2.4, INT8_WEIGHTS: 1.7, FP32: 1.3}
CHOSEN, SLOWER, FAILED, MISSED = (
    CandidateOutcome.CHOSEN,
    CandidateOutcome.SLOWER,
    CandidateOutcome.FAILED,
    CandidateOutcome.MISSED_PARITY,
)


@contextmanager
def stage(_: str) -> Iterator[Callable[[float], None]]:
    yield lambda _: None


@dataclass
class Play:
    """A workshop that builds nothing. ``misses``: at the texts of the proof; ``fails``: at this step."""

    misses: tuple[Candidate, ...] = ()
    fails: dict[Candidate, str] = field(default_factory=dict)
    done: list[tuple[str, Candidate]] = field(default_factory=list)

    request: Any = field(
        default_factory=lambda: SimpleNamespace(
            candidates=ALL, objective=Objective.THROUGHPUT, shapes=Shapes(), parity=ParityGate()
        )
    )
    machine: Any = field(
        default_factory=lambda: Machine(cpu="a CPU", cores=2, memory=1, instruction_sets=("avx512_bf16",))
    )
    original: Any = field(
        default_factory=lambda: SimpleNamespace(
            description=SimpleNamespace(task=Task.EMBEDDING),
            trained=True,
            proving=[],
            selecting=[],
            extremes=[],
            sample=lambda texts: texts,
        )
    )
    journal: Any = field(default_factory=lambda: SimpleNamespace(stage=stage))
    speeds: dict[Candidate, float] = field(default_factory=lambda: SPEEDS)

    def __post_init__(self) -> None:
        """Note when the server lets go of what it has."""
        self.server = SimpleNamespace(release=lambda: self.done.append(("release", self.done[-1][1])))
        self.told = {one: times + 1 for one, times in self.speeds.items()}  # measured at length, it is another figure

    def build(self, trial: Trial) -> None:
        self._does("build", trial)

    def prove(self, trial: Trial, *_: object, purpose: str = "") -> None:
        self._does("select" if purpose == SELECTING else "prove", trial)
        trial.parity = parity(0.99 if trial.candidate in self.misses and not purpose else 1.0)

    def glance(self, trial: Trial, batch: int) -> None:
        self._does("glance", trial)
        trial.speed = speed(self.speeds[trial.candidate], batch)

    def compare(self, trial: Trial, batch: int) -> None:
        self._does("compare", trial)
        trial.speed = speed(self.speeds[trial.candidate], batch)

    def measure(self, trial: Trial) -> None:
        self._does("measure", trial)
        trial.speed = speed(self.told[trial.candidate], 8)

    def _does(self, step: str, trial: Trial) -> None:
        self.done.append((step, trial.candidate))
        if self.fails.get(trial.candidate) == step:
            raise BuildFailed(BuildReason.SERVER_REFUSED, f"{step} went wrong")

    def decided(self) -> tuple[Candidate, dict[Candidate, CandidateReport]]:
        """Run the contest; return the winner, and each candidate's report."""
        winner, reports = Contest(workshop=cast("Workshop", self)).decided()
        return winner, dict(zip(ALL, reports, strict=True))

    def steps(self, step: str) -> list[Candidate]:
        """Return the candidates for which a step was done, in order."""
        return [candidate for did, candidate in self.done if did == step]


def parity(cosine: float) -> Parity:
    names = ("p1Cosine", "minCosine", "neighboursKept", "batchInvariance")
    figures = {name: Figure(value=cosine, lower=cosine, upper=cosine, samples=320) for name in names}
    return Parity(
        dataset="d", figures=figures | {"nonFinite": Figure(value=0, lower=0, upper=0, samples=320)}, reported={}
    )


def speed(times: float, batch: int) -> Speed:
    ratio = Figure(value=times, lower=times - 0.05, upper=times + 0.05, samples=5)
    latency = Latency(
        batch=batch, sequence=128, original_p50_ms=9, original_p95_ms=9, p50_ms=9, p95_ms=9, speedup=ratio
    )
    return Speed(threads=2, baseline="torch", latencies=(latency,))


def test_only_the_fastest_is_measured_at_length_and_proven() -> None:
    play = Play()
    winner, reports = play.decided()
    assert winner == BF16
    assert (play.steps("glance"), play.steps("compare")) == (list(ALL), [])
    assert (play.steps("prove"), play.steps("measure")) == ([BF16], [BF16])
    assert [reports[one].outcome for one in ALL] == [CHOSEN, SLOWER, SLOWER]
    assert [reports[one].message for one in ALL] == ["", *["surely slower, by a short look"] * 2]


def test_where_the_fastest_is_not_proven_the_next_is_measured_and_wins() -> None:
    play = Play(misses=(BF16,))
    winner, reports = play.decided()
    assert winner == INT8_WEIGHTS
    assert (play.steps("glance"), play.steps("measure")) == (list(ALL), [INT8_WEIGHTS])
    assert [reports[one].outcome for one in ALL] == [MISSED, CHOSEN, SLOWER]
    assert reports[INT8_WEIGHTS].message == ""


def test_the_report_keeps_the_gates_that_each_was_held_to_and_how_it_did() -> None:
    _, reports = Play(misses=(BF16,)).decided()
    held = {one: {gate.gate: gate for gate in reports[one].gates} for one in ALL}
    assert held[BF16]["p1Cosine"].outcome is Outcome.MISS
    assert held[INT8_WEIGHTS]["p1Cosine"].outcome is Outcome.PASS
    assert (held[INT8_WEIGHTS]["p1Cosine"].limit, held[FP32]["p1Cosine"].limit) == (0.998, 0.9999)
    assert {str(gate.sense) for gate in held[FP32].values()} == {">=", "<="}


def test_one_that_was_never_asked_was_held_to_nothing() -> None:
    _, reports = Play(fails={BF16: "build"}).decided()
    assert reports[BF16].gates == ()


def test_a_winner_over_others_is_measured_anew_and_only_that_is_told() -> None:
    play = Play(speeds={BF16: 2.4, INT8_WEIGHTS: 2.35, FP32: 1.3})
    winner, reports = play.decided()
    assert winner == BF16
    assert play.steps("compare") == [BF16, INT8_WEIGHTS]
    assert play.done[-3:] == [("prove", BF16), ("release", BF16), ("measure", BF16)]
    told = reports[BF16].speed
    assert told is not None
    assert told.latencies[0].speedup.value == 3.4
    beside = reports[INT8_WEIGHTS].speed
    assert beside is not None
    assert (beside.latencies[0].speedup.value, reports[INT8_WEIGHTS].message) == (2.35, "")


def test_a_winner_that_can_t_be_measured_is_none() -> None:
    play = Play(speeds={BF16: 2.4, INT8_WEIGHTS: 2.35, FP32: 1.3}, fails={BF16: "measure"})
    winner, reports = play.decided()
    assert winner == INT8_WEIGHTS
    assert (reports[BF16].outcome, reports[BF16].message) == (FAILED, "measure went wrong")


@pytest.mark.parametrize("step", ["build", "select", "glance", "prove", "measure"])
def test_one_that_fails_costs_nothing_but_itself(step: str) -> None:
    winner, reports = Play(fails={BF16: step}).decided()
    assert winner == INT8_WEIGHTS
    assert (reports[BF16].outcome, reports[BF16].message) == (FAILED, f"{step} went wrong")


def test_one_that_this_version_does_not_build_is_told_beside_those_that_missed() -> None:
    play = Play(misses=(FP32,))
    play.request.candidates = (FP32, Candidate(engine=Engine.TENSORRT, precision=Precision.FP16))
    with pytest.raises(BuildFailed, match=r"p1Cosine 0.99 < .*TensorRT at FP16 is not built by this version"):
        play.decided()


def test_where_nobody_is_proven_each_says_why() -> None:
    with pytest.raises(
        BuildFailed, match=r"no candidate holds the parity gate here: .*p1Cosine 0.99 < 0.998"
    ) as failed:
        Play(misses=ALL).decided()
    assert failed.value.reason is BuildReason.NO_CANDIDATE
    assert str(failed.value).count("p1Cosine") == len(ALL)
