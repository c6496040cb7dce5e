"""How small models are trained in tests: on one thread, from one seed, until they have learnt what they are for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

RATE = 1e-3
FINE_RATE = 3e-4
"""For a model that knows half of it already: at ``RATE``, one in six lost that and never learnt the rest."""
BATCH = 16

One = TypeVar("One")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: products this small only wait for a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def trained_until(
    model: torch.nn.Module,
    examples: Sequence[One],
    batch_of: Callable[[Sequence[One]], dict[str, torch.Tensor]],
    score: Callable[[], float],
    *,
    enough: float,
    most_epochs: int,
    least_epochs: int = 1,
    rate: float = RATE,
) -> float:
    """Train a model in place until its score on what it has not seen is ``enough``; return that score.

    least_epochs: where a score is reached before all that it is for is learnt, and on which epoch hangs on the CPU;
    batch_of: the tensors of some examples, labels among them. Fails if it has not learnt after ``most_epochs``.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    order, found = list(examples), 0.0
    for epoch in range(most_epochs):
        model.train()
        random.Random(epoch).shuffle(order)
        for start in range(0, len(order), BATCH):
            optimizer.zero_grad()
            model(**batch_of(order[start : start + BATCH])).loss.backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            found = score()
        print(f"  epoch {epoch + 1}: {found:.3f}")
        if found >= enough and epoch + 1 >= least_epochs:
            return found
    raise AssertionError(f"{found:.2f} on what it has not seen after {most_epochs} epochs, and {enough:.2f} is enough")
