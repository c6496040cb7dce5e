"""What a pass of a model has come to so far: shared by the parts of it, each in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from modelyard.api.model import OptimizedModelSpec
from modelyard.manifests.metadata import Owner
from modelyard.planner.switch import Switch
from modelyard.reasons import PASSING, Reason
from modelyard.state.desired import Desired
from modelyard.state.observed import Observed
from modelyard.state.plan import Action, Event, Finding, Truth


@dataclass(slots=True, kw_only=True)
class ModelPass:
    """What a pass has come to so far."""

    want: Desired
    spec: OptimizedModelSpec
    have: Observed
    owner: Owner
    actions: list[Action] = field(default_factory=list)
    stages: dict[str, Finding] = field(default_factory=dict)
    trouble: Finding | None = None
    waiting: Finding | None = None
    looks: list[timedelta] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    handled: str | None = None
    switch: Switch | None = None

    @property
    def holder(self) -> str | None:
        """Return who has the traffic: the proxy's word, or what was last seen where somebody deleted its routes."""
        if self.have.proxy.routes is not None:
            return self.have.proxy.routes.holder
        known = self.want.status.stable_revision
        return known if known in self.have.revisions else None

    def in_trouble(self, finding: Finding, *, final: bool = False) -> None:
        """Keep the first trouble: what comes after it is its consequence.

        What may go away without a person is waited for, unless it is ``final``: then it is not tried again.
        """
        if finding.reason in PASSING and not final:
            self.waiting = self.waiting or finding
        else:
            self.trouble = self.trouble or finding

    def waits(self, reason: Reason, message: str) -> None:
        """Keep the first thing that is waited for."""
        self.waiting = self.waiting or false(reason, message)


def true(reason: Reason, message: str) -> Finding:
    """Return a condition that holds."""
    return Finding(truth=Truth.TRUE, reason=reason, message=message)


def false(reason: Reason, message: str) -> Finding:
    """Return a condition that does not hold."""
    return Finding(truth=Truth.FALSE, reason=reason, message=message)


def unknown(reason: Reason = Reason.WAITING, message: str = "") -> Finding:
    """Return a condition of which nothing is known yet."""
    return Finding(truth=Truth.UNKNOWN, reason=reason, message=message)
