"""What a step fails with, and whether it may pass.

::

    BuildFailed        a reason out of the closed set, and a message that says the fix
"""

from __future__ import annotations

from modelyard.contract.steps import BuildReason

OUTAGES = frozenset({BuildReason.SOURCE_UNREACHABLE, BuildReason.REGISTRY_UNREACHABLE})
"""No connection, a timeout, 408, 429 or 5xx. Everything else was refused, and will be the next time."""


class BuildFailed(Exception):
    """A build that can't go on. ``reason`` is what the operator acts on, the message what a person reads."""

    def __init__(self, reason: BuildReason, message: str) -> None:
        """Say what, where and the fix."""
        super().__init__(message)
        self.reason = reason

    @property
    def may_pass(self) -> bool:
        """Return whether it is worth asking again."""
        return self.reason in OUTAGES
