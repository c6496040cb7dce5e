"""Candidates asked in this very process, by the code that the serving image runs, where there is no server.

What a server adds (its protocol, its batching, its process) is not in what is proven so, and the report says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard.contract.choices import Candidate
from modelyard.contract.steps import BuildReason
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import Answers, Batch
from modelyard_runtime.backend.sessions import Session, open_session
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.repository import VERSION, Version, name_of
from modelyard_runtime.served import Served


@dataclass(slots=True, kw_only=True)
class InProcess:
    """Sessions of the engines, over a folder that is laid out as a Triton repository."""

    repository: Path
    _loaded: tuple[Version, Session] | None = None

    def wait(self) -> None:
        """Return at once."""

    @property
    def name(self) -> str:
        """Return what answers."""
        return "the build's own process, without a server"

    def versions(self) -> dict[str, str]:
        """Return none: the engines' are the build's."""
        return {}

    @contextmanager
    def serving(self, candidate: Candidate, decision: Decision, *, threads: int) -> Iterator[Served]:
        """Have a candidate's session. Raises BuildFailed (ConversionFailed) with the engine's reason."""
        with _engine_of(candidate):
            session = self._session(candidate, decision, threads)

        def answer(batch: Batch) -> Answers:
            with _engine_of(candidate):
                return session(batch)

        yield Served(answer=answer, decision=decision)

    def release(self) -> None:
        """Drop the session."""
        self._loaded = None

    def _session(self, candidate: Candidate, decision: Decision, threads: int) -> Session:
        """Return the session that is there where it is of these very files, else one of them."""
        wanted = Version.of(self.repository, candidate, threads)
        if self._loaded is not None and self._loaded[0] == wanted:
            return self._loaded[1]
        self.release()
        session = open_session(self.repository / name_of(candidate) / VERSION, decision, threads)
        self._loaded = (wanted, session)
        return session


@contextmanager
def _engine_of(candidate: Candidate) -> Iterator[None]:
    """Say whose failure it is. Every engine's errors derive from RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        message = f"{name_of(candidate)} can't run here: {error}; choose another engine or precision"
        raise BuildFailed(BuildReason.CONVERSION_FAILED, message) from error
