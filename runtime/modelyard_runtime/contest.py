"""Which candidate becomes the artifact: the only one asked for, or the fastest that is proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from modelyard.contract.choices import Candidate
from modelyard.contract.report import CandidateOutcome, CandidateReport, GateReport, Outcome
from modelyard.contract.steps import BuildReason
from modelyard.gates import gates_held, outcome_of, parity_limits, parity_verdicts
from modelyard_runtime.candidates import Trial, Workshop
from modelyard_runtime.choose import Contender, counted_batch, in_the_running, ranked
from modelyard_runtime.engines import refusal_of
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.original import Sample
from modelyard_runtime.repository import name_of

SELECTING = " to select"
"""What ends the names of stages that only choose; the winner is proven on other texts."""


@dataclass(slots=True, kw_only=True)
class Contest:
    """The candidates of one build. ``outcomes`` says what became of each."""

    workshop: Workshop
    trials: dict[Candidate, Trial] = field(default_factory=dict)
    outcomes: dict[Candidate, CandidateOutcome] = field(default_factory=dict)
    compared: set[Candidate] = field(default_factory=set)

    def trial(self, candidate: Candidate) -> Trial:
        """Return a candidate's trial."""
        return self.trials.setdefault(candidate, Trial(candidate=candidate))

    def decided(self) -> tuple[Candidate, tuple[CandidateReport, ...]]:
        """Return the winner, and what to report of each candidate. Raises BuildFailed (NoCandidate).

        A candidate asked for by name wins whatever it shows: the user's gates are held against its report.
        """
        candidates = self.workshop.request.candidates
        winner = self._only(candidates[0]) if len(candidates) == 1 else self._fastest(candidates)
        self.outcomes[winner] = CandidateOutcome.CHOSEN
        for one in candidates:
            if self.outcomes[one] is CandidateOutcome.SLOWER and one not in self.compared:
                self.trial(one).notes.append("surely slower, by a short look")
        return winner, tuple(self.trial(one).report(self.outcomes[one], self._gates(one)) for one in candidates)

    def _only(self, candidate: Candidate) -> Candidate:
        trial = self.trial(candidate)
        self.workshop.build(trial)
        self.workshop.prove(trial, *self._samples(proving=True))
        self.workshop.measure(trial)
        return candidate

    def _fastest(self, candidates: tuple[Candidate, ...]) -> Candidate:
        """Drop who surely misses on the selecting texts, then prove on the others, the fastest first."""
        selecting = self._samples(proving=False)
        left = [one for one in candidates if self._qualifies(one, selecting)]
        proving = self._samples(proving=True) if left else selecting
        while left:
            running = self._in_the_running(left)
            for one in self._in_order(running):
                if self._proven(one, proving) and self._goes_well(one, self._measure):
                    return one
            left = [one for one in left if one not in running and self.outcomes[one] is CandidateOutcome.SLOWER]
        told = "; ".join(f"{name_of(one)}: {', '.join(self.trial(one).notes)}" for one in candidates)
        fix = "name an engine and a precision to see its figures, or lower the gate in gates.parity"
        raise BuildFailed(BuildReason.NO_CANDIDATE, f"no candidate holds the parity gate here: {told}; {fix}")

    def _in_the_running(self, left: list[Candidate]) -> list[Candidate]:
        """Return who is worth measuring: a short look tells who is surely slower, unless there is only one."""
        if len(left) == 1:
            return left
        objective, batch = self.workshop.request.objective, self.workshop.request.shapes.batch.opt

        def glance(trial: Trial) -> None:
            if trial.speed is None:
                self.workshop.glance(trial, counted_batch(objective, batch))

        able = [one for one in left if self._goes_well(one, glance)]
        return [one.candidate for one in in_the_running(self._contenders(able), objective, batch)]

    def _in_order(self, running: list[Candidate]) -> list[Candidate]:
        """Return those who may win, the best first: compared with one another, if there are several."""
        if len(running) == 1:
            return running
        objective, batch = self.workshop.request.objective, self.workshop.request.shapes.batch.opt

        def compare(trial: Trial) -> None:
            self.workshop.compare(trial, counted_batch(objective, batch))
            self.compared.add(trial.candidate)

        able = [one for one in running if self._goes_well(one, compare)]
        return [contender.candidate for contender in ranked(self._contenders(able), objective, batch)]

    def _measure(self, trial: Trial) -> None:
        """Measure a winner, loaded anew: what it won by is told of nobody, for the best of several figures flatters."""
        self.workshop.server.release()
        self.workshop.measure(trial)

    def _goes_well(self, candidate: Candidate, do: Callable[[Trial], None]) -> bool:
        """Do something with one; note what it fails by. One that fails costs the build nothing but itself."""
        trial = self.trial(candidate)
        try:
            do(trial)
        except BuildFailed as failed:
            trial.notes.append(str(failed))
            self.outcomes[candidate] = CandidateOutcome.FAILED
            return False
        return True

    def _contenders(self, candidates: list[Candidate]) -> list[Contender]:
        speeds = [(one, self.trial(one).speed) for one in candidates]
        return [Contender(candidate=one, speed=speed) for one, speed in speeds if speed is not None]

    def _qualifies(self, candidate: Candidate, selecting: tuple[Sample, Sample]) -> bool:
        """Build and ask one, and return whether it may win."""

        def built_and_asked(trial: Trial) -> None:
            if refusal := refusal_of(candidate, self.workshop.machine):
                raise BuildFailed(BuildReason.UNSUPPORTED_PRECISION, refusal)
            self.workshop.build(trial)
            self.workshop.prove(trial, *selecting, purpose=SELECTING)

        if not self._goes_well(candidate, built_and_asked):
            return False
        if self._held(self.trial(candidate)) is Outcome.MISS:
            self.outcomes[candidate] = CandidateOutcome.MISSED_PARITY
            return False
        self.outcomes[candidate] = CandidateOutcome.SLOWER
        return True

    def _proven(self, candidate: Candidate, proving: tuple[Sample, Sample]) -> bool:
        if not self._goes_well(candidate, lambda trial: self.workshop.prove(trial, *proving)):
            return False
        if self._held(self.trial(candidate)) is Outcome.PASS:
            return True
        self.outcomes[candidate] = CandidateOutcome.MISSED_PARITY
        return False

    def _held(self, trial: Trial) -> Outcome:
        """Hold the gate against a trial's parity, and note what is not passed."""
        if trial.parity is None:
            raise RuntimeError(f"{name_of(trial.candidate)} is judged before it is asked")
        original, precision = self.workshop.original, trial.candidate.precision
        verdicts = parity_verdicts(
            self.workshop.request.parity,
            original.description.task,
            trial.parity.figures,
            precision,
            trained=original.trained,
        )
        outcome = outcome_of(verdicts)
        if outcome is Outcome.MISS:
            trial.notes += [verdict.message for verdict in verdicts if verdict.outcome is Outcome.MISS]
        return outcome

    def _gates(self, candidate: Candidate) -> tuple[GateReport, ...]:
        """Return the verdicts on a candidate for the report; none of one that was never asked."""
        parity, original = self.trial(candidate).parity, self.workshop.original
        if parity is None:
            return ()
        gate, task = self.workshop.request.parity, original.description.task
        return gates_held(parity_limits(gate, task, candidate.precision, trained=original.trained), parity.figures)

    def _samples(self, *, proving: bool) -> tuple[Sample, Sample]:
        """Ask the original: the texts of one set, and the extremes."""
        original = self.workshop.original
        with self.workshop.journal.stage("ask the original" + ("" if proving else SELECTING)):
            return (
                original.sample(original.proving if proving else original.selecting),
                original.sample(original.extremes),
            )
