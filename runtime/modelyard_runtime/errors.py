"""What a step fails with, and whether another try may help.

::

    BuildFailed        a reason out of the closed set, and a message that says the fix
"""

from __future__ import annotations

from modelyard.contract.steps import BuildReason, ExitCode

TRANSIENT = frozenset({BuildReason.SOURCE_UNREACHABLE, BuildReason.REGISTRY_UNREACHABLE})
"""No connection, a timeout, 429 or 5xx. Everything else was refused, and will be the next time."""


class BuildFailed(Exception):
    """A build that can't go on. ``reason`` is what the operator acts on, the message what a person reads."""

    def __init__(self, reason: BuildReason, message: str) -> None:
        """Say what, where and the fix."""
        super().__init__(message)
        self.reason = reason

    @property
    def exit_code(self) -> ExitCode:
        """Return whether the Job may try again."""
        return ExitCode.TRANSIENT if self.reason in TRANSIENT else ExitCode.REFUSED
