"""Conditions: what was found, with the time since when it is so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from modelyard.api.status import Condition
from modelyard.state.plan import Finding


def conditions_from(
    found: Mapping[str, Finding], previous: Iterable[Condition], *, generation: int, now: datetime
) -> list[Condition]:
    """Return a condition for each finding, in its order. One whose status is unchanged keeps its time."""
    before = {condition.type: condition for condition in previous}
    return [_condition(kind, finding, before.get(kind), generation, now) for kind, finding in found.items()]


def _condition(kind: str, finding: Finding, before: Condition | None, generation: int, now: datetime) -> Condition:
    unchanged = before is not None and before.status == finding.truth
    return Condition(
        type=kind,
        status=finding.truth,
        reason=finding.reason,
        message=finding.message,
        last_transition_time=before.last_transition_time if before and unchanged else now.replace(microsecond=0),
        observed_generation=generation,
    )
