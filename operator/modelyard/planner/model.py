"""One pass of a model."""

from __future__ import annotations

from modelyard.api.source import Source
from modelyard.state import Desired, Observed, Plan


def plan_model(want: Desired, have: Observed) -> Plan:
    """Return what this pass does: actions in their order, what was found, when to look again."""
    raise NotImplementedError


def needs_pin(want: Desired, have: Observed) -> Source | None:
    """Return the source to pin before planning, or None where nothing is to be resolved.

    The shell pins it (branch to commit, tag to digest; a pvc needs no I/O) and plans with ``Observed.pin``.
    """
    raise NotImplementedError


def wanted_builds(have: Observed) -> frozenset[str]:
    """Return the names of the ModelBuilds that this model's records name."""
    raise NotImplementedError
