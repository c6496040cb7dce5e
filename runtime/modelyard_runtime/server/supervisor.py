"""One loop over signals: children that end, requests to stop, and the verdict on the golden samples.

What Triton does when it is stopped (measured): one idle connection holds it for the whole exit timeout, and with gRPC
in flight it then aborts and hangs. So its end is bounded here, and the whole group is killed.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from enum import IntEnum
from pathlib import Path

from modelyard_runtime.golden import GoldenMismatch
from modelyard_runtime.server.command import Options, tritonserver_command
from modelyard_runtime.server.process import ProcessGroup, adopt_orphans
from modelyard_runtime.server.signals import SignalQueue
from modelyard_runtime.server.verify import verify
from modelyard_runtime.triton import ServerLost, ServerRefused

KILL_MARGIN_SECONDS = 2.0
MESSAGE_BYTES = 3000
log = logging.getLogger("modelyard-server")


class Exit(IntEnum):
    """How the supervisor ends: asked to, refused what it should serve, or lost its server."""

    STOPPED = 0
    REFUSED = 65
    SERVER_DIED = 70


class Supervisor:
    """Runs one Triton from start to end."""

    def __init__(self, options: Options) -> None:
        """Nothing is started yet."""
        self.options = options
        self._failure: Exception | None = None
        self._kill_at: float | None = None

    def run(self) -> int:
        """Serve until asked to stop, or until there is a reason to. Returns the exit code."""
        self.options.verified.unlink(missing_ok=True)
        signals = SignalQueue()
        adopt_orphans()
        triton = ProcessGroup(tritonserver_command(self.options))
        threading.Thread(target=self._verify, name="verify", daemon=True).start()
        while triton.code is None:
            self._act(triton, signals.wait(self._patience()))
            triton.reap()
        triton.kill()  # helpers that outlived their leader
        triton.reap()
        return self._verdict(triton.code)

    def _patience(self) -> float | None:
        """Return how many seconds are left until all are killed; None while nobody asked us to stop."""
        return None if self._kill_at is None else max(self._kill_at - time.monotonic(), 0)

    def _act(self, triton: ProcessGroup, received: set[int]) -> None:
        """Act on what was received; children that ended are reaped anyway."""
        if self._kill_at is not None:
            if time.monotonic() >= self._kill_at:
                log.warning("still there after the drain: killed with its helpers")
                triton.kill()
                self._kill_at = time.monotonic() + KILL_MARGIN_SECONDS
        elif received & {signal.SIGTERM, signal.SIGINT}:
            log.info("asked to stop: requests under way have %d s", self.options.drain_seconds)
            self._kill_at = time.monotonic() + self.options.drain_seconds + KILL_MARGIN_SECONDS
            triton.terminate()
        elif self._failure is not None:
            triton.kill()  # nothing to drain: it never was ready

    def _verify(self) -> None:
        """Check what is served, then wake the loop. Runs in a thread of its own, since checking blocks."""
        try:
            verify(self.options)
            self.options.verified.touch()
            log.info("verified: %s", self.options.verified)
        except (ServerLost, ServerRefused, GoldenMismatch, OSError, ValueError, TypeError, KeyError) as error:
            self._failure = error
        os.kill(os.getpid(), signal.SIGUSR1)

    def _verdict(self, code: int) -> int:
        """Return the exit code, and leave a termination message where something is wrong."""
        if self._failure is not None and not (self._kill_at and isinstance(self._failure, ServerLost)):
            reason = "GoldenMismatch" if isinstance(self._failure, GoldenMismatch) else "ServerRefused"
            _leave_message(reason, str(self._failure))
            return Exit.REFUSED
        if self._kill_at is not None:
            return Exit.STOPPED
        _leave_message("ServerDied", f"tritonserver ended by itself with code {code}: its log says why")
        return Exit.SERVER_DIED


def _leave_message(reason: str, message: str) -> None:
    """Write the pod's termination message (4 KiB at most), and log it."""
    log.error("%s: %s", reason, message)
    kept = message.encode()[:MESSAGE_BYTES].decode(errors="ignore")
    path = Path(os.environ.get("MODELYARD_TERMINATION_LOG", "/dev/termination-log"))
    path.write_text(json.dumps({"reason": reason, "message": kept}))
