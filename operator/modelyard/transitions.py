"""Transitions: what changed between two statuses, as the events that people are told. Pure."""

from __future__ import annotations

from modelyard.api.status import Condition, ModelBuildStatus, OptimizedModelStatus
from modelyard.reasons import LOST, PASSING, Reason
from modelyard.state.plan import Event


def events_of(before: OptimizedModelStatus, after: OptimizedModelStatus) -> tuple[Event, ...]:
    """Return the Kubernetes events for what changed between two statuses: one a reason, the first that has it."""
    known = {condition.type: condition for condition in before.conditions}
    events: dict[str, Event] = {}
    for condition in after.conditions:
        old = known.get(condition.type)
        if not _is_told(condition, old):
            continue
        warning = condition.type == "Stalled" or condition.reason in PASSING | LOST
        if warning or condition.reason not in events:
            reason = Reason(condition.reason)
            events[condition.reason] = Event(warning=warning, reason=reason, message=condition.message)
    return tuple(events.values())


def _is_told(condition: Condition, old: Condition | None) -> bool:
    """Return whether people are told: of what came to hold, and of requests that nobody answers any more.

    What is not so yet is told by Reconciling or Stalled, but for the latter: it matters whatever else is under way.
    """
    if condition.type == "Serving":
        return condition.reason in LOST and old is not None and old.status == "True"
    if condition.status != "True" or (condition.type == "Reconciling" and condition.reason in LOST):
        return False
    return old is None or (old.status, old.reason) != (condition.status, condition.reason)


def build_events_of(before: ModelBuildStatus, after: ModelBuildStatus) -> tuple[Event, ...]:
    """Return the Kubernetes events for what changed between two statuses of a build."""
    if not after.reason or (before.phase, before.reason, before.step) == (after.phase, after.reason, after.step):
        return ()
    quiet = {Reason.BUILDING, Reason.STARTING, Reason.BUILT, Reason.WAITING}
    reason = Reason(after.reason)
    return (Event(warning=reason not in quiet, reason=reason, message=after.message),)
