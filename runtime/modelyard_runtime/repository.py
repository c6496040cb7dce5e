"""A candidate in the sidecar's Triton repository: written as production serves it, and asked over loopback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelyard.contract.choices import Candidate
from modelyard.contract.request import Shapes
from modelyard.contract.steps import BuildReason
from modelyard.manifests.triton_config import TritonModel, triton_config
from modelyard_runtime.backend.decision import Decision
from modelyard_runtime.backend.rows import Tokens, padded
from modelyard_runtime.backend.sessions import Answers
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.description import Description
from modelyard_runtime.triton import ServerLost, ServerRefused, TritonServer

VERSION = "1"
LEAST_BATCH = 16
"""Texts a request that every candidate takes here: the test of batches asks so many at once."""
QUEUE_SIZE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model that the sidecar has loaded."""

    server: TritonServer
    model: str
    output: str
    pad_token: int

    def answer(self, ids: Tokens, mask: Tokens) -> Answers:
        """Return the answers of one request. ids and mask: int64 [batch, sequence]; returns float32 [batch, size]."""
        return self.server.infer(self.model, {"input_ids": ids, "attention_mask": mask}, self.output)

    def together(self, texts: Sequence[Tokens]) -> Answers:
        """Return the answers of texts that share a request, one row a text."""
        return self.answer(*padded([(ids, np.ones_like(ids)) for ids in texts], self.pad_token))

    def alone(self, texts: Sequence[Tokens]) -> Answers:
        """Return the answers of texts asked one by one, one row a text."""
        return np.concatenate([self.together([ids]) for ids in texts])


def name_of(candidate: Candidate) -> str:
    """Return the name that a candidate has in the repository."""
    return f"{candidate.engine}-{candidate.precision}".lower()


def write_config(
    repository: Path, candidate: Candidate, description: Description, shapes: Shapes, threads: int
) -> None:
    """Write ``config.pbtxt`` of a candidate: one instance on every core, no queue delay, the measured shapes warm."""
    sequence = min(shapes.sequence.opt, shapes.sequence.longest(description.positions))
    name = name_of(candidate)
    model = TritonModel(
        name=name,
        task=description.task,
        engine=candidate.engine,
        precision=candidate.precision,
        instances=1,
        threads=threads,
        max_batch_size=max(LEAST_BATCH, shapes.batch.opt),
        queue_delay_microseconds=0,
        queue_size=QUEUE_SIZE,
        warmup=((1, sequence), (shapes.batch.opt, sequence)),
    )
    (repository / name / "config.pbtxt").write_text(triton_config(model))


@contextmanager
def served(server: TritonServer, candidate: Candidate, decision: Decision) -> Iterator[Served]:
    """Load a candidate, and unload it afterwards. Raises BuildFailed (ServerRefused) with Triton's reason."""
    name = name_of(candidate)
    try:
        server.load(name)
        yield Served(server=server, model=name, output=decision.output, pad_token=decision.pad_token)
        server.unload(name)
    except ServerRefused as error:
        message = f"Triton refused {candidate.engine}/{candidate.precision}: {error}; the log of the container server "
        message += "says more"
        raise BuildFailed(BuildReason.SERVER_REFUSED, message) from error
    except ServerLost as error:
        message = f"the sidecar's Triton went away with {candidate.engine}/{candidate.precision} loaded ({error}): "
        message += "its log says why, most often too little memory: raise build.resources.limits.memory"
        raise BuildFailed(BuildReason.SERVER_REFUSED, message) from error
