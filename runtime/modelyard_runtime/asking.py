"""A candidate as it is served: loaded in the sidecar and asked over loopback, as clients will."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from modelyard.contract import BuildReason
from modelyard_runtime.backend.rows import Tokens, padded
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.description import Description
from modelyard_runtime.parity import Answers, Numbers, likeness
from modelyard_runtime.triton import ServerLost, ServerRefused, TritonServer

INVARIANCE_TEXTS = 96
BESIDE_TEXTS = 32
BATCH = 8
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A loaded candidate. Its answers are float32 [texts, size], in the order asked."""

    server: TritonServer
    name: str
    description: Description

    def batch(self, ids: Tokens, mask: Tokens) -> Answers:
        """Answer one padded batch, int64 [texts, tokens]."""
        try:
            return self.server.infer(self.name, {"input_ids": ids, "attention_mask": mask}, self.description.output)
        except ServerRefused as error:
            raise BuildFailed(BuildReason.SERVER_REFUSED, f"Triton can't answer with {self.name}: {error}") from error
        except ServerLost as error:
            raise BuildFailed(BuildReason.SERVER_REFUSED, f"Triton went away while {self.name} was asked: {error}") from error

    def together(self, texts: Sequence[Tokens]) -> Answers:
        """Answer some texts in one request."""
        return self.batch(*padded([(text, np.ones_like(text)) for text in texts], self.description.pad_token))

    def alone(self, texts: Sequence[Tokens], advance: Callable[[float], None] = lambda _: None) -> Answers:
        """Answer each text in a request of its own."""
        answers = np.empty((len(texts), self.description.size), dtype=np.float32)
        for row, text in enumerate(texts):
            answers[row] = self.together([text])[0]
            advance((row + 1) / len(texts))
        return answers


@contextmanager
def served(server: TritonServer, name: str, description: Description) -> Iterator[Served]:
    """Load a candidate for as long as the block lasts. Raises BuildFailed (ServerRefused) with Triton's reason."""
    try:
        server.load(name)
    except ServerRefused as error:
        raise BuildFailed(BuildReason.SERVER_REFUSED, f"Triton did not load {name}: {error}") from error
    except ServerLost as error:
        raise BuildFailed(BuildReason.SERVER_REFUSED, f"Triton went away while it loaded {name}: {error}") from error
    try:
        yield Served(server=server, name=name, description=description)
    finally:
        server.unload(name)


def invariance(candidate: Served, texts: Sequence[Tokens], alone: Answers, extremes: Sequence[Tokens]) -> Numbers:
    """Return how alike answers are alone and in company: in random batches, and beside extreme neighbours.

    alone: the answers to ``texts``, asked one by one. The batches are drawn with a fixed seed.
    """
    rng = np.random.default_rng(SEED)
    drawn = rng.permutation(len(texts))[:INVARIANCE_TEXTS]
    found = []
    for start in range(0, len(drawn), BATCH):
        rows = drawn[start : start + BATCH]
        found.append(likeness(candidate.description, alone[rows], candidate.together([texts[i] for i in rows])))
    beside = rng.permutation(len(texts))[:BESIDE_TEXTS]
    for number, row in enumerate(beside):
        neighbours = [extremes[(number + k) % len(extremes)] for k in range(3)]
        answers = candidate.together([texts[row], *neighbours])
        found.append(likeness(candidate.description, alone[row : row + 1], answers[:1]))
    return np.concatenate(found)
