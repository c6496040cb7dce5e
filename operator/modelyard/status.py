"""What a pass found, as the model's status: kstatus conditions, Argo CD's phases, one sentence."""

from __future__ import annotations

from modelyard.api.status import OptimizedModelStatus
from modelyard.state import Desired, Event, Observed, Plan


def status_of(want: Desired, have: Observed, plan: Plan) -> OptimizedModelStatus:
    """Return the status to write; equal to ``want.status`` where nothing changed, and then nothing is written."""
    raise NotImplementedError


def events_of(before: OptimizedModelStatus, after: OptimizedModelStatus) -> tuple[Event, ...]:
    """Return the Kubernetes events for what changed between two statuses."""
    raise NotImplementedError
