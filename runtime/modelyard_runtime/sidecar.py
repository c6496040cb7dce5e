"""The server beside the build: candidates are loaded into it and asked over loopback, as production serves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard.contract.choices import Candidate
from modelyard.contract.request import Shapes
from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import Answers, Batch, padded
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.description import Description
from modelyard_runtime.repository import VERSION, name_of, write_config
from modelyard_runtime.tokens import Encoded, rows_of_answers
from modelyard_runtime.triton import ServerLost, ServerRefused, TritonServer

RESTART_SECONDS = 60.0
"""How long a server that was killed is waited for: the kubelet starts it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model that the sidecar has loaded."""

    server: TritonServer
    model: str
    decision: Decision

    def answer(self, batch: Batch) -> Answers:
        """Return the answers of one request, float32 [texts, size], of tokens [texts, tokens, size]."""
        return self.server.infer(self.model, batch, self.decision.output)

    def together(self, texts: Sequence[Encoded]) -> Answers:
        """Return the answers of texts that share a request: a row a text, or a token of each in turn."""
        batch = padded([text.tensors(self.decision.inputs) for text in texts], self.decision.pad_token)
        return rows_of_answers(texts, self.answer(batch))

    def alone(self, texts: Sequence[Encoded]) -> list[Answers]:
        """Return the answers of texts asked one by one, the rows of each."""
        return [self.together([text]) for text in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the sidecar has: a candidate on so many threads, out of files that were last written then."""

    candidate: Candidate
    threads: int
    files: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, repository: Path, candidate: Candidate, threads: int) -> Loaded:
        """Return a candidate as its files are now. What is proven is these, so other ones are loaded anew."""
        stats = [(path.name, path.stat()) for path in sorted((repository / name_of(candidate) / VERSION).iterdir())]
        files = tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
        return cls(candidate=candidate, threads=threads, files=files)


@dataclass(slots=True, kw_only=True)
class Sidecar:
    """The server beside the build. It has one candidate at a time, and keeps it while that is asked for again.

    To load one takes seconds: its process starts, imports its engine and warms the measured shapes.
    """

    server: TritonServer
    repository: Path
    description: Description
    shapes: Shapes
    _loaded: Loaded | None = None

    @contextmanager
    def serving(self, candidate: Candidate, decision: Decision, *, threads: int) -> Iterator[Served]:
        """Have a candidate loaded, on so many threads. Raises BuildFailed (ServerRefused) with Triton's reason."""
        name = name_of(candidate)
        try:
            self._have(Loaded.of(self.repository, candidate, threads))
            yield Served(server=self.server, model=name, decision=decision)
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

    def _have(self, wanted: Loaded) -> None:
        """Load what is wanted in the place of what is there, unless it is that."""
        self.server.wait_live(RESTART_SECONDS)  # it may have been killed since, and be on its way back
        if self._loaded == wanted and self.server.ready(name_of(wanted.candidate)):
            return
        self.release()
        write_config(self.repository, wanted.candidate, self.description, self.shapes, wanted.threads)
        self._loaded = wanted  # also where it is refused: to release it then does no harm
        self.server.load(name_of(wanted.candidate))
