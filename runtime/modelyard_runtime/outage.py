"""An outage is waited for in place: a new pod would fetch and convert everything anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from modelyard.contract.steps import WAIT_UNTIL
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Journal

FIRST_PAUSE_SECONDS = 1.0
GREATEST_PAUSE_SECONDS = 30.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Until when a step waits: some time before the Job's deadline, which would end it without a word."""

    journal: Journal
    until: datetime

    @classmethod
    def of_environment(cls, journal: Journal) -> Patience:
        """Return what the Job says; a step that is run by hand, without a Job, doesn't wait."""
        said = os.environ.get(WAIT_UNTIL)
        return cls(journal=journal, until=datetime.fromisoformat(said) if said else datetime.now(UTC))

    def wait_out(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, trying again while it fails by what may pass. Raises BuildFailed.

        The termination message has the outage while it lasts, so that a step that is ended meanwhile has said why.
        """
        began, pause = datetime.now(UTC), FIRST_PAUSE_SECONDS
        while True:
            try:
                result = attempt()
            except BuildFailed as failed:
                if not failed.may_pass:
                    raise
                now = datetime.now(UTC)
                if now + timedelta(seconds=pause) > self.until:
                    waited = (now - began).total_seconds()
                    raise BuildFailed(failed.reason, f"{failed}; waited {waited:.0f} s for it") from failed
                self._tell(failed, pause)
            else:
                self.journal.log.update(reason=None, message="")
                return result
            time.sleep(pause)  # SIGTERM ends it at once
            pause = min(2 * pause, GREATEST_PAUSE_SECONDS)

    def _tell(self, failed: BuildFailed, pause: float) -> None:
        log = self.journal.log
        log.update(reason=failed.reason, message=str(failed))
        self.journal.tell(log.message.stage, 0.0, f"{failed.reason}: {failed}; asked again in {pause:g} s")
