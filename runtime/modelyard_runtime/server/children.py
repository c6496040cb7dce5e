"""The processes that run our backend for Triton, one an instance.

Triton goes on without one that was killed: it stays ready, and answers 500 to whatever that one would have been asked.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress
from pathlib import Path

from modelyard_runtime.triton import ServerLost

PROC = Path("/proc")


class Children:
    """A process's children as they are now. Their descriptors stay open: whoever asks for this watches till it ends."""

    def __init__(self, parent: int) -> None:
        """Begin to watch them. Raises ServerLost if one ends meanwhile."""
        self._poll = select.poll()
        for folder in PROC.iterdir():
            if folder.name.isdigit() and _parent(folder) == parent:
                try:
                    self._poll.register(os.pidfd_open(int(folder.name)), select.POLLIN)
                except ProcessLookupError as error:
                    message = "a process of its backend ended while it started"
                    raise ServerLost(message) from error

    def ended(self) -> bool:
        """Return whether one of them has ended by now."""
        return bool(self._poll.poll(0))

    def wait(self) -> None:
        """Return once one of them has ended, though its parent be another process; never where there are none."""
        self._poll.poll()


def _parent(folder: Path) -> int | None:
    with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        # The name, in brackets, may hold anything; after it come the state and the parent.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return None
