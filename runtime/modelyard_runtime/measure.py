"""Speed of a served candidate beside the original: the same tokens, the same threads, in alternation.

A block asks original, candidate, candidate, original (ABBA), so that a machine that gets slower or busier meanwhile
does so to both; each block gives one ratio, and the median of the ratios is the speedup.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from modelyard.contract.choices import INPUTS
from modelyard.contract.report import Figure, Latency, Speed
from modelyard.contract.request import Shapes
from modelyard_runtime.backend.rows import IDS, MASK, TYPES, Batch
from modelyard_runtime.progress import Advance
from modelyard_runtime.served import Served
from modelyard_runtime.statistics import median_figure

BATCHES = (1, 8)
NOISY = 0.1
"""Width of the ratio's 90% interval, over the ratio, from which a measurement goes on: more blocks narrow it. At
this width the default gate, no slower than the original, is passed, as a rule, by what is a tenth faster."""
SEED = 7

Ask = Callable[[Batch], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long one batch size is measured: ``blocks`` at least, until ``enough`` of them or ``seconds`` are over.

    While it is noisy it goes on until ``most_blocks`` or ``most_seconds``. Only the interval's width ends it, never
    where the interval lies: to look again and again until a gate is passed would pass one that isn't.
    """

    blocks: int
    seconds: float
    most_seconds: float
    enough: int = 24
    most_blocks: int = 96

    def is_done(self, blocks: int, seconds: float, ratio: Callable[[], Figure]) -> bool:
        """Return whether so many blocks, which took so long, will do."""
        if blocks < self.blocks or (blocks < self.enough and seconds <= self.seconds):
            return False
        return blocks >= self.most_blocks or seconds > self.most_seconds or noise_of(ratio()) <= NOISY


WHOLE = Effort(blocks=8, seconds=2.5, most_seconds=30.0)
BESIDES = Effort(blocks=8, seconds=2.5, most_seconds=8.0)
"""For what decides nothing by itself: a batch size that is told, a candidate beside others."""
GLANCE = Effort(blocks=5, seconds=0.5, most_seconds=0.5)
"""Five are the fewest of which a median has a 95% bound: the least and the greatest ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came out. ``noise`` says which batch sizes stayed too noisy, or nothing."""

    speed: Speed
    noise: str = ""


def speed_of(
    original: Ask,
    served: Served,
    shapes: Shapes,
    *,
    decide: frozenset[int],
    limit: int,
    threads: int,
    advance: Advance,
) -> Measured:
    """Measure at batch 1, 8 and the typical one, at the typical sequence or the model's ``limit`` of tokens.

    decide: the batch sizes by which a gate is held or a winner taken; those are measured until it is sure enough.
    """
    batches = sorted({*BATCHES, shapes.batch.opt})
    sequence = min(shapes.sequence.opt, limit)
    latencies, noisy = [], []
    for number, batch in enumerate(batches):
        advance(number / len(batches))
        effort = WHOLE if batch in decide else BESIDES
        latency = latency_of(original, served.answer, call(batch, sequence, served.decision.inputs), effort)
        latencies.append(latency)
        if noise_of(latency.speedup) > NOISY:
            noisy.append(f"batch {batch} ({latency.speedup.lower:.2f} to {latency.speedup.upper:.2f})")
    said = f"speed is noisy at {', '.join(noisy)}: is there other work on this machine?" if noisy else ""
    return Measured(speed=_speed(threads, latencies), noise=said)


def look_at(
    original: Ask, served: Served, shapes: Shapes, *, batch: int, effort: Effort, limit: int, threads: int
) -> Speed:
    """Measure one batch size alone: enough to compare candidates by."""
    sequence = min(shapes.sequence.opt, limit)
    asked = call(batch, sequence, served.decision.inputs)
    return _speed(threads, [latency_of(original, served.answer, asked, effort)])


def _speed(threads: int, latencies: list[Latency]) -> Speed:
    import torch

    baseline = f"torch {torch.__version__} eager fp32, called in the process"
    return Speed(threads=threads, baseline=baseline, latencies=tuple(latencies))


def noise_of(ratio: Figure) -> float:
    """Return how wide a ratio's interval is, as a share of it."""
    return (ratio.upper - ratio.lower) / ratio.value


def latency_of(original: Ask, candidate: Ask, asked: Batch, effort: Effort) -> Latency:
    """Measure one call. Both are asked once before, unmeasured."""
    original(asked)
    candidate(asked)
    blocks = _blocks(partial(_seconds, original, asked), partial(_seconds, candidate, asked), effort)
    batch, sequence = asked[IDS].shape
    ours, theirs = blocks[:, 2:].ravel() * 1e3, blocks[:, :2].ravel() * 1e3
    return Latency(
        batch=batch,
        sequence=sequence,
        original_p50_ms=_rounded(np.median(theirs)),
        original_p95_ms=_rounded(np.quantile(theirs, 0.95)),
        p50_ms=_rounded(np.median(ours)),
        p95_ms=_rounded(np.quantile(ours, 0.95)),
        speedup=_ratio(blocks),
    )


def call(batch: int, sequence: int, inputs: tuple[str, ...] = INPUTS) -> Batch:
    """Return the tensors of a call, int64 [batch, sequence]: low ids, which every vocabulary has."""
    ids = np.random.default_rng(SEED).integers(5, 200, (batch, sequence), dtype=np.int64)
    every = {IDS: ids, MASK: np.ones_like(ids), TYPES: np.zeros_like(ids)}
    return {name: every[name] for name in inputs}


def _blocks(a: Callable[[], float], b: Callable[[], float], effort: Effort) -> npt.NDArray[np.float64]:
    """Return the seconds of (a, a, b, b), taken in the order a b b a, float64 [blocks, 4]."""
    began = time.monotonic()
    taken: list[tuple[float, float, float, float]] = []
    while not effort.is_done(len(taken), time.monotonic() - began, lambda: _ratio(np.array(taken))):
        first, second, third, fourth = a(), b(), b(), a()
        taken.append((first, fourth, second, third))
    return np.array(taken)


def _ratio(blocks: npt.NDArray[np.float64]) -> Figure:
    return median_figure(blocks[:, :2].sum(axis=1) / blocks[:, 2:].sum(axis=1))


def _seconds(ask: Ask, asked: Batch) -> float:
    began = time.perf_counter()
    ask(asked)
    return time.perf_counter() - began


def _rounded(milliseconds: float | np.floating) -> float:
    return round(float(milliseconds), 3)
