"""What candidates are asked in, whatever serves them: asked the same way, so that the proof is one code."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from modelyard.contract.choices import Candidate
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import Answers, padded
from modelyard_runtime.backend.sessions import Session
from modelyard_runtime.tokens import Encoded, rows_of_answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A candidate that answers, one request a call."""

    answer: Session
    decision: Decision

    def together(self, texts: Sequence[Encoded]) -> Answers:
        """Return the answers of texts that share a request: a row a text, or a token of each in turn."""
        batch = padded([text.tensors(self.decision.inputs) for text in texts], self.decision.pad_token)
        return rows_of_answers(texts, self.answer(batch))

    def alone(self, texts: Sequence[Encoded]) -> list[Answers]:
        """Return the answers of texts asked one by one, the rows of each."""
        return [self.together([text]) for text in texts]


class Server(Protocol):
    """Where candidates are asked, one at a time; it keeps one while that is asked for again."""

    def wait(self) -> None:
        """Return once it can be asked. Raises BuildFailed."""

    @property
    def name(self) -> str:
        """Return what answers, for the report."""

    def versions(self) -> dict[str, str]:
        """Return the versions of what answers, by name."""

    def serving(self, candidate: Candidate, decision: Decision, *, threads: int) -> AbstractContextManager[Served]:
        """Have a candidate of the scratch volume loaded, on so many threads. Raises BuildFailed."""

    def release(self) -> None:
        """Let go of what is loaded, if anything is: its memory is free for whatever comes next."""
