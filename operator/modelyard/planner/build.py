"""One pass of a build."""

from __future__ import annotations

from modelyard.state import BuildDesired, BuildObserved, BuildPlan


def plan_build(want: BuildDesired, have: BuildObserved) -> BuildPlan:
    """Return what this pass does, and the status to write."""
    raise NotImplementedError


def asks_registry(want: BuildDesired, have: BuildObserved) -> bool:
    """Return whether the registry must be asked for ``spec.destination`` before planning."""
    raise NotImplementedError
