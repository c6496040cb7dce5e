"""Proof before traffic: a build's figures against the gates of the spec as it is now.

Untrained weights prove an export at FP32, nothing at fewer bits, and never a quality. What passes says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.api.base import duration
from modelyard.api.model import OptimizedModelSpec
from modelyard.api.status import BuildResult
from modelyard.contract.choices import Precision, Task
from modelyard.contract.report import Outcome
from modelyard.gates import (
    GateNotApplicable,
    Verdict,
    outcome_of,
    parity_verdicts,
    performance_verdicts,
    proven_by_untrained,
)
from modelyard.planner.resolution import parity_gate
from modelyard.reasons import Reason
from modelyard.results import figures_from, latencies_from
from modelyard.state.plan import Finding, Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the gates say. ``passed``: traffic may come; ``finding``: the numbers."""

    passed: bool
    finding: Finding


def proof_of(spec: OptimizedModelSpec, result: BuildResult) -> Proof:
    """Return the verdict on a build."""
    task, precision, figures = Task(result.task), Precision(result.precision), figures_from(result)
    try:
        parity = parity_verdicts(parity_gate(spec), task, figures, precision, trained=result.trained)
    except GateNotApplicable as error:
        return _proof(Reason.GATE_NOT_APPLICABLE, str(error), passed=False)
    speed = _speed(spec, result)
    for verdicts, missed in ((parity, Reason.PARITY_MISSED), (speed, Reason.PERFORMANCE_MISSED)):
        if verdicts and outcome_of(verdicts) is Outcome.MISS:
            return _proof(missed, _told(verdicts, Outcome.MISS), passed=False)
    both = (*parity, *speed)
    if outcome_of(both) is not Outcome.PASS:
        fix = "the command retry measures anew, best on a quieter machine, and a lower gate in spec.gates asks for less"
        return _proof(Reason.TOO_NOISY, f"{_told(both, Outcome.INCONCLUSIVE)}; {fix}", passed=False)
    told = _told(both, Outcome.PASS)
    if not result.trained:
        return _proof(Reason.EXPORT_PROVEN, f"{proven_by_untrained(precision)}: {told}", passed=True)
    return _proof(Reason.GATES_PASSED, told, passed=True)


def _speed(spec: OptimizedModelSpec, result: BuildResult) -> tuple[Verdict, ...]:
    gate = spec.gates.performance
    limit = None if gate.max_p95 is None else duration(gate.max_p95).total_seconds() * 1000
    batch = spec.optimization.shapes.batch.opt
    return performance_verdicts(
        min_speedup=gate.min_speedup, max_p95_ms=limit, latencies=latencies_from(result), batch=batch
    )


def _told(verdicts: tuple[Verdict, ...], outcome: Outcome) -> str:
    return ", ".join(verdict.message for verdict in verdicts if verdict.outcome is outcome)


def _proof(reason: Reason, message: str, *, passed: bool) -> Proof:
    truth = Truth.TRUE if passed else Truth.FALSE
    return Proof(passed=passed, finding=Finding(truth=truth, reason=reason, message=message))
