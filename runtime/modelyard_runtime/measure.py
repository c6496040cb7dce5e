"""Speed of a served candidate beside the original: the same tokens, the same threads, in alternation.

A block asks original, candidate, candidate, original (ABBA), so that a machine that gets slower or busier meanwhile
does so to both; each block gives one ratio, and the median of the ratios is the speedup.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from modelyard.contract.report import Latency, Speed
from modelyard.contract.request import Shapes
from modelyard_runtime.backend.rows import Tokens
from modelyard_runtime.progress import Advance
from modelyard_runtime.repository import Served
from modelyard_runtime.statistics import median_figure

BATCHES = (1, 8)
LEAST_BLOCKS, MOST_BLOCKS = 8, 24
GLANCE_BLOCKS = 5
"""The fewest of which a median has a 95% bound: the least and the greatest ratio."""
GLANCE_SECONDS = 0.5
BLOCK_SECONDS = 2.5
"""Of measuring a batch size, before which no more blocks than the least are asked."""
ROUNDS = 3
ROUND_SECONDS = 15.0
"""Of measuring a batch size, after which no other round begins: a busy machine is not waited for."""
NOISY = 0.2
"""Width of the ratio's 90% interval, over the ratio, from which a measurement is taken again."""
SEED = 7

Ask = Callable[[Tokens, Tokens], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came out. ``noise`` says which batch sizes stayed too noisy, or nothing."""

    speed: Speed
    noise: str = ""


def speed_of(original: Ask, served: Served, shapes: Shapes, limit: int, threads: int, advance: Advance) -> Measured:
    """Measure at batch 1, 8 and the typical one, at the typical sequence or the model's ``limit`` of tokens."""
    batches = sorted({*BATCHES, shapes.batch.opt})
    sequence = min(shapes.sequence.opt, limit)
    latencies, noisy = [], []
    for number, batch in enumerate(batches):
        advance(number / len(batches))
        latency = quietest(partial(latency_of, original, served.answer, batch, sequence))
        latencies.append(latency)
        if noise_of(latency) > NOISY:
            noisy.append(f"batch {batch} ({latency.speedup.lower:.2f} to {latency.speedup.upper:.2f})")
    said = f"speed is noisy at {', '.join(noisy)}: is there other work on this machine?" if noisy else ""
    return Measured(speed=_speed(threads, latencies), noise=said)


def glance_at(original: Ask, served: Served, shapes: Shapes, limit: int, threads: int, batch: int) -> Speed:
    """Measure one batch size in a few blocks: enough to tell who is surely slower."""
    sequence = min(shapes.sequence.opt, limit)
    latency = latency_of(original, served.answer, batch, sequence, least=GLANCE_BLOCKS, seconds=GLANCE_SECONDS)
    return _speed(threads, [latency])


def _speed(threads: int, latencies: list[Latency]) -> Speed:
    import torch

    baseline = f"torch {torch.__version__} eager fp32, called in the process"
    return Speed(threads=threads, baseline=baseline, latencies=tuple(latencies))


def quietest(measure: Callable[[], Latency]) -> Latency:
    """Return the first measurement that is quiet enough, or the quietest of ``ROUNDS`` that fit ``ROUND_SECONDS``."""
    began = time.monotonic()
    taken: list[Latency] = []
    while not taken or (len(taken) < ROUNDS and time.monotonic() - began < ROUND_SECONDS):
        taken.append(measure())
        if noise_of(taken[-1]) <= NOISY:
            break
    return min(taken, key=noise_of)


def noise_of(latency: Latency) -> float:
    """Return how wide the speedup's interval is, as a share of it."""
    return (latency.speedup.upper - latency.speedup.lower) / latency.speedup.value


def latency_of(
    original: Ask,
    candidate: Ask,
    batch: int,
    sequence: int,
    *,
    least: int = LEAST_BLOCKS,
    seconds: float = BLOCK_SECONDS,
) -> Latency:
    """Measure one batch size in ``least`` blocks at least and until ``seconds`` are over, or in ``MOST_BLOCKS``.

    Both are asked once before, unmeasured.
    """
    ids, mask = tokens(batch, sequence)
    original(ids, mask)
    candidate(ids, mask)
    asked = partial(_seconds, original, ids, mask), partial(_seconds, candidate, ids, mask)
    blocks = np.array(list(_blocks(*asked, least=least, enough=seconds)))
    ours, theirs = blocks[:, 2:].ravel() * 1e3, blocks[:, :2].ravel() * 1e3
    return Latency(
        batch=batch,
        sequence=sequence,
        original_p50_ms=_rounded(np.median(theirs)),
        original_p95_ms=_rounded(np.quantile(theirs, 0.95)),
        p50_ms=_rounded(np.median(ours)),
        p95_ms=_rounded(np.quantile(ours, 0.95)),
        speedup=median_figure(blocks[:, :2].sum(axis=1) / blocks[:, 2:].sum(axis=1)),
    )


def tokens(batch: int, sequence: int) -> tuple[Tokens, Tokens]:
    """Return ids and mask, int64 [batch, sequence]: low ids, which every vocabulary has."""
    ids: npt.NDArray[np.int64] = np.random.default_rng(SEED).integers(5, 200, (batch, sequence), dtype=np.int64)
    return ids, np.ones_like(ids)


def _blocks(
    a: Callable[[], float], b: Callable[[], float], *, least: int, enough: float
) -> Iterator[tuple[float, float, float, float]]:
    """Yield the seconds of (a, a, b, b), taken in the order a b b a."""
    began = time.monotonic()
    for number in range(MOST_BLOCKS):
        if number >= least and time.monotonic() - began > enough:
            return
        first, second, third, fourth = a(), b(), b(), a()
        yield first, fourth, second, third


def _seconds(ask: Ask, ids: Tokens, mask: Tokens) -> float:
    began = time.perf_counter()
    ask(ids, mask)
    return time.perf_counter() - began


def _rounded(milliseconds: float | np.floating) -> float:
    return round(float(milliseconds), 3)
