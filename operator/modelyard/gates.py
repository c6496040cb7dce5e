"""Gates: figures held against what the user asks for, by their one-sided 95% bounds.

Pure and light, so that the runtime's choice among candidates and the operator's proof before traffic are one code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.contract import Figure, Outcome, ParityGate, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One gate, held. ``message`` has the numbers: ``p1Cosine 0.9971 (95% bound 0.9966) < 0.998``."""

    gate: str
    outcome: Outcome
    message: str


def parity_for_task(gate: ParityGate, task: Task) -> ParityGate:
    """Return the gate with the task's defaults filled in. Raises GateNotApplicable for one that the task hasn't."""
    raise NotImplementedError


def parity_verdicts(gate: ParityGate, task: Task, figures: Mapping[str, Figure]) -> tuple[Verdict, ...]:
    """Return a verdict for each gate of the task. figures: by the gate's camelCase name, as in ``Parity.figures``."""
    raise NotImplementedError


def outcome_of(verdicts: tuple[Verdict, ...]) -> Outcome:
    """Return Miss if any missed, else Inconclusive if any is, else Pass."""
    raise NotImplementedError
