"""The termination message of a step: written early and replaced as it goes on, so that the last one outlives a kill."""

from __future__ import annotations

import os
from pathlib import Path

from modelyard.contract.steps import Step, Termination

VARIABLE = "MODELYARD_TERMINATION_LOG"
LIMIT_BYTES = 4096


class TerminationLog:
    """The file that the kubelet reads when the container has ended."""

    def __init__(self, step: Step, path: Path | None = None) -> None:
        """Write the first message at once. path: by default ``$MODELYARD_TERMINATION_LOG``."""
        self._path = path or Path(os.environ.get(VARIABLE, "/dev/termination-log"))
        self.message = Termination(step=step)
        self.update()

    def update(self, **changes: object) -> None:
        """Replace fields of the message and write it. A long ``message`` is cut to what the kubelet takes."""
        self.message = self.message.model_copy(update=changes)
        written = self.message.to_json()
        excess = len(written.encode()) - LIMIT_BYTES
        if excess > 0:
            kept = self.message.message.encode()[: -excess - 1].decode(errors="ignore")
            written = self.message.model_copy(update={"message": kept}).to_json()
        self._path.write_text(written)
