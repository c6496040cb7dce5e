"""Signals as a queue that one loop reads, whichever thread the kernel handed them to.

Not ``sigwait``: numpy's threads start as it is imported, before anything could be blocked in them, and a signal that
the kernel gives to one of those is lost (seen: a SIGCHLD, and the pod never ended). A handler's wakeup descriptor
(as asyncio uses it) hears them all.
"""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1)


class SignalQueue:
    """What was received and not yet taken. Made in the main thread, once in a process."""

    def __init__(self) -> None:
        """Listen from now on."""
        self._taken, self._written = socket.socketpair()
        self._taken.setblocking(False)  # noqa: FBT003 - the socket module's signature
        self._written.setblocking(False)  # noqa: FBT003 - as above
        signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, _heard)

    def wait(self, seconds: float | None) -> set[int]:
        """Return the signals received since the last call; waits for one, at most ``seconds`` (None: for ever)."""
        ready, _, _ = select.select([self._taken], [], [], seconds)
        return set(self._taken.recv(4096)) if ready else set()


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: its being there is what makes the interpreter write to the wakeup descriptor."""
