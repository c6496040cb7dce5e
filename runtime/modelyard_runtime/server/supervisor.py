"""One loop over signals: processes that end, requests to stop, and the verdict on the golden samples.

What Triton does when it is stopped (measured): it unloads its models at once, and answers "no available versions" to
what still arrives. One idle connection holds it for the whole exit timeout, and with gRPC in flight it then aborts and
hangs. So it isn't told before nobody asks it any more: first proxies are sent elsewhere, then Services are. Its end is
bounded here, and the whole group is killed. Who has less time than that (a pod deleted at once, an eviction) is killed
while it answers, which a proxy can see and mend.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import threading
import time
from enum import Enum, IntEnum, auto
from pathlib import Path

from modelyard_runtime.golden import GoldenMismatch
from modelyard_runtime.server.children import Children
from modelyard_runtime.server.command import Options, tritonserver_command
from modelyard_runtime.server.health import ready_path, serve_health, serving_path, triton_is_ready
from modelyard_runtime.server.memory import killed_for_memory
from modelyard_runtime.server.process import ProcessGroup, adopt_orphans
from modelyard_runtime.server.signals import SignalQueue
from modelyard_runtime.server.verify import InsecureServer, verify
from modelyard_runtime.triton import ServerLost

KILL_MARGIN_SECONDS = 2.0
MESSAGE_BYTES = 3000
log = logging.getLogger("modelyard-server")


class Exit(IntEnum):
    """How the supervisor ends: asked to, refused what it should serve, or lost its server."""

    STOPPED = 0
    REFUSED = 65
    SERVER_DIED = 70


class Stage(Enum):
    """Where a server is on its way: proven, then serving; after SIGTERM it answers on, is told to stop, is killed."""

    PROVING = auto()
    SERVING = auto()
    DRAINING = auto()
    LEAVING = auto()
    STOPPING = auto()


ASKED_TO_STOP = {Stage.DRAINING, Stage.LEAVING, Stage.STOPPING}


class Supervisor:
    """Runs one Triton from start to end."""

    def __init__(self, options: Options, signals: SignalQueue) -> None:
        """Nothing is started yet."""
        self.options = options
        self._signals = signals
        self._proven = False
        self._failure: Exception | None = None
        self._lost_a_child = False
        self._ended_for_it = False
        self._killed_before = killed_for_memory()
        self._stage = Stage.PROVING
        self._stage_ends = math.inf

    def run(self) -> int:
        """Serve until asked to stop, or until there is a reason to. Returns the exit code."""
        options = self.options
        adopt_orphans()
        checks = {ready_path(options.revision): self.is_ready, serving_path(options.revision): self.is_serving}
        serve_health(options.address, options.health_port, checks)
        triton = ProcessGroup(tritonserver_command(options))
        threading.Thread(target=self._watch, args=(triton,), name="watch", daemon=True).start()
        while triton.code is None:
            self._act(triton, self._signals.wait(self._patience()))
            triton.reap()
        triton.kill()  # helpers that outlived their leader
        triton.reap()
        return self._verdict(triton.code)

    def is_ready(self) -> bool:
        """Return whether new requests are welcome: proven by this very process, and not asked to stop."""
        return self._stage is Stage.SERVING and self._triton_is_ready()

    def is_serving(self) -> bool:
        """Return whether whoever asks is answered: until the drain is over."""
        return self._stage in {Stage.SERVING, Stage.DRAINING} and self._triton_is_ready()

    def _triton_is_ready(self) -> bool:
        return triton_is_ready(self.options.loopback, self.options.http_port)

    def _patience(self) -> float | None:
        """Return how many seconds are left of this stage; None where only a signal ends it."""
        return None if math.isinf(self._stage_ends) else max(self._stage_ends - time.monotonic(), 0)

    def _act(self, triton: ProcessGroup, received: set[int]) -> None:
        """Act on what was received, and on a stage that is over; children that ended are reaped anyway."""
        if self._stage is Stage.PROVING and self._proven:
            self._enter(Stage.SERVING, math.inf)
            log.info("proven: it serves")
        if self._stage not in ASKED_TO_STOP:
            if received & {signal.SIGTERM, signal.SIGINT}:
                self._drain()
                if self.options.explicit:  # beside a build, whose only client has ended: the Job waits for this one
                    triton.kill()
            elif self._failure is not None:
                triton.kill()  # nothing to drain: it never was ready
        if self._lost_a_child and self._stage is not Stage.STOPPING:
            # Killed before it answers 500: a proxy sends what was under way to another server, or waits for this one.
            triton.reap()
            self._ended_for_it |= triton.code is None  # else it ended first, and its children with it
            triton.kill()
        while time.monotonic() >= self._stage_ends:
            self._next_stage(triton)

    def _drain(self) -> None:
        """Answer on until routes to this server are gone; one that never was ready has none."""
        seconds = self.options.drain_seconds if self._stage is Stage.SERVING else 0
        log.info("asked to stop: answering for another %d s", seconds)
        self._enter(Stage.DRAINING, seconds)

    def _next_stage(self, triton: ProcessGroup) -> None:
        """Go on from a stage that is over."""
        if self._stage is Stage.DRAINING:
            self._enter(Stage.LEAVING, self.options.leave_seconds if self._proven else 0)
        elif self._stage is Stage.LEAVING:
            log.info("told to stop: requests under way have %d s", self.options.stop_seconds)
            self._enter(Stage.STOPPING, self.options.stop_seconds + KILL_MARGIN_SECONDS)
            triton.terminate()
        else:
            log.warning("still there after the stop: killed with its helpers")
            self._enter(Stage.STOPPING, KILL_MARGIN_SECONDS)
            triton.kill()

    def _enter(self, stage: Stage, seconds: float) -> None:
        """Begin a stage that lasts so long at most."""
        self._stage, self._stage_ends = stage, time.monotonic() + seconds

    def _watch(self, triton: ProcessGroup) -> None:
        """Check what is served, then watch who serves it, and wake the loop. In a thread, since both block."""
        backend: list[Children] = []
        try:
            # Watched before samples are replayed: one may end while another is asked them.
            verify(self.options, loaded=lambda: backend.extend(watched_children(triton.pid)))
            self._proven = True
        except Exception as error:  # noqa: BLE001 - it would be lost with its thread, and the loop never woken
            lost = ServerLost(f"a process of its backend ended while it was asked the golden samples: {error}")
            self._failure = lost if any(children.ended() for children in backend) else error
        os.kill(os.getpid(), signal.SIGUSR1)
        for children in backend if self._proven else ():
            children.wait()
            self._lost_a_child = True
            os.kill(os.getpid(), signal.SIGUSR1)

    def _verdict(self, code: int) -> int:
        """Return the exit code, and leave a termination message where something is wrong.

        Neither is a verdict on what it should serve: a Triton that was lost while it was proven, for the next one may
        do; and one that was asked to stop meanwhile, for it refuses everybody then.
        """
        if self._stage in ASKED_TO_STOP:
            return Exit.STOPPED
        if killed_for_memory() > self._killed_before:
            _leave_message("OutOfMemory", "a process of the server was killed for using more memory than its limit")
            return Exit.SERVER_DIED
        lost = isinstance(self._failure, ServerLost)
        if self._failure is not None and not lost:
            verdicts = (GoldenMismatch, InsecureServer)  # by their own names, everything else by this one
            reason = type(self._failure).__name__ if isinstance(self._failure, verdicts) else "ServerRefused"
            _leave_message(reason, str(self._failure) or repr(self._failure))
            return Exit.REFUSED
        why = f"; {self._failure}" if lost else "; a process of its backend had ended" if self._ended_for_it else ""
        _leave_message("ServerDied", f"tritonserver ended with code {code}{why}: its log says more")
        return Exit.SERVER_DIED


def watched_children(parent: int) -> list[Children]:
    """Return what runs our backend for Triton, or nothing where the kernel or its seccomp profile lets nobody watch."""
    try:
        return [Children(parent)]
    except OSError as error:
        log.warning("no process of the backend can be watched here (%s): one that dies leaves this server ready", error)
        return []


def _leave_message(reason: str, message: str) -> None:
    """Write the pod's termination message (4 KiB at most), and log it."""
    log.error("%s: %s", reason, message)
    kept = message.encode()[:MESSAGE_BYTES].decode(errors="ignore")
    path = Path(os.environ.get("MODELYARD_TERMINATION_LOG", "/dev/termination-log"))
    path.write_text(json.dumps({"reason": reason, "message": kept}))
