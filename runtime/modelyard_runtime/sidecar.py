"""The server beside the build: candidates are loaded into it and asked over loopback, as production serves them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard.contract.choices import Candidate
from modelyard.contract.request import Shapes
from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import Answers, Batch
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.description import Description
from modelyard_runtime.repository import Version, name_of, write_config
from modelyard_runtime.served import Served
from modelyard_runtime.triton import ServerLost, ServerRefused, TritonServer

START_SECONDS = 120.0
RESTART_SECONDS = 60.0
"""How long a server that was killed is waited for: the kubelet starts it again."""


@dataclass(slots=True, kw_only=True)
class Sidecar:
    """The server beside the build. It has one candidate at a time, and keeps it while that is asked for again.

    To load one takes seconds: its process starts, imports its engine and warms the measured shapes.
    """

    server: TritonServer
    repository: Path
    description: Description
    shapes: Shapes
    _loaded: Version | None = None

    def wait(self) -> None:
        """Return once Triton answers. Raises BuildFailed (ServerRefused)."""
        try:
            self.server.wait_live(START_SECONDS)
        except ServerLost as error:
            message = f"the sidecar is not there: {error}; the log of the container server says why"
            raise BuildFailed(BuildReason.SERVER_REFUSED, message) from error

    @property
    def name(self) -> str:
        """Return what answers."""
        return "Triton"

    def versions(self) -> dict[str, str]:
        """Return Triton's."""
        return {"triton": str(self.server.metadata()["version"])}

    @contextmanager
    def serving(self, candidate: Candidate, decision: Decision, *, threads: int) -> Iterator[Served]:
        """Have a candidate loaded, on so many threads. Raises BuildFailed (ServerRefused) with Triton's reason."""
        name = name_of(candidate)
        try:
            self._have(Version.of(self.repository, candidate, threads))

            def answer(batch: Batch) -> Answers:
                return self.server.infer(name, batch, decision.output)

            yield Served(answer=answer, decision=decision)
        except ServerRefused as error:
            message = f"Triton refused {candidate.engine}/{candidate.precision}: {error}; the log of the container "
            message += "server says more"
            raise BuildFailed(BuildReason.SERVER_REFUSED, message) from error
        except ServerLost as error:
            self._loaded = None
            message = f"the sidecar's Triton went away with {candidate.engine}/{candidate.precision} loaded ({error}): "
            message += "its log says why, most often too little memory: raise build.resources.limits.memory"
            raise BuildFailed(BuildReason.SERVER_REFUSED, message) from error

    def release(self) -> None:
        """Unload what is there, if anything is: its memory is free for whatever comes next."""
        former, self._loaded = self._loaded, None
        try:
            if former is not None and self.server.ready(name_of(former.candidate)):
                self.server.unload(name_of(former.candidate))
        except ServerLost:
            return  # gone, and with it all that it had; whoever asks it next waits until it is back

    def _have(self, wanted: Version) -> None:
        """Load what is wanted in the place of what is there, unless it is that."""
        self.server.wait_live(RESTART_SECONDS)  # it may have been killed since, and be on its way back
        if self._loaded == wanted and self.server.ready(name_of(wanted.candidate)):
            return
        self.release()
        write_config(self.repository, wanted.candidate, self.description, self.shapes, wanted.threads)
        self._loaded = wanted  # also where it is refused: to release it then does no harm
        self.server.load(name_of(wanted.candidate))
