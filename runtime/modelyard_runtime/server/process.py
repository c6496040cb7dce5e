"""Triton as a process group of its own, so that what hangs can be ended whole."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Sequence
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of descendants whose parents end, as process 1 is anyway: outside a container too."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


class ProcessGroup:
    """A command that leads a process group of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it."""
        program = Path(command[0])
        if not program.is_file():
            message = f"there is no server at {program}: --home names the folder with bin/tritonserver"
            raise FileNotFoundError(message)
        self.pid = os.posix_spawn(program, list(command), os.environ, setpgroup=0)
        self.code: int | None = None

    def reap(self) -> None:
        """Take in every child that ended; ``code`` is the leader's once it is among them."""
        with contextlib.suppress(ChildProcessError):  # none left
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.pid:
                    self.code = os.waitstatus_to_exitcode(ended[1])

    def terminate(self) -> None:
        """Ask the leader to end: it ends its own helpers in order."""
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the whole group at once, leader and helpers."""
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.killpg(self.pid, signal.SIGKILL)
