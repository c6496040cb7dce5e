"""An outage is waited for in place: a new pod would fetch and convert everything anew."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from modelyard.contract.steps import ExitCode
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Journal

FIRST_PAUSE_SECONDS = 1.0
GREATEST_PAUSE_SECONDS = 30.0
GREATEST_WAIT_SECONDS = 3600.0
"""Even where a build may take days: a step that waits keeps from others the memory that its pod asked for."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a step waits: no longer than the whole build may take, after which the Job ends its pod anyway."""

    journal: Journal
    build_seconds: float

    def wait_out(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, trying again while it fails by what may pass. Raises BuildFailed.

        The termination message has the outage while it lasts, so that a step that is ended meanwhile has said why.
        """
        limit = min(self.build_seconds, GREATEST_WAIT_SECONDS)
        ends, pause = math.inf, FIRST_PAUSE_SECONDS
        while True:
            try:
                result = attempt()
            except BuildFailed as failed:
                if failed.exit_code is not ExitCode.TRANSIENT:
                    raise
                ends = min(ends, time.monotonic() + limit)
                if time.monotonic() + pause > ends:
                    raise BuildFailed(failed.reason, f"{failed}; waited {limit:g} s for it") from failed
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
