"""Ratios come from blocks of both in alternation, so that a machine that slows down favours nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from modelyard.contract.report import Figure, Latency
from modelyard_runtime import measure
from modelyard_runtime.backend.rows import Tokens
from modelyard_runtime.measure import (
    GLANCE_BLOCKS,
    LEAST_BLOCKS,
    MOST_BLOCKS,
    NOISY,
    ROUNDS,
    latency_of,
    noise_of,
    quietest,
)


@dataclass(slots=True, kw_only=True)
class Machine:
    """A clock that asking moves on. Each call takes ``slower`` times as long as the one before it."""

    slower: float = 1.0
    now: float = 0.0
    load: float = 1.0
    calls: list[str] = field(default_factory=list)

    def perf_counter(self) -> float:
        return self.now

    monotonic = perf_counter

    def taking(self, name: str, seconds: float) -> Callable[[Tokens, Tokens], object]:
        """Return something to ask that takes so long on an idle machine."""

        def ask(ids: Tokens, mask: Tokens) -> None:
            assert ids.shape == mask.shape
            self.calls.append(name)
            self.now += seconds * self.load
            self.load *= self.slower

        return ask


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The clock that measuring reads."""
    machine = Machine()
    monkeypatch.setattr(measure, "time", machine)
    return machine


def test_each_is_warmed_then_asked_in_blocks_of_abba(machine: Machine) -> None:
    latency = latency_of(machine.taking("a", 0.04), machine.taking("b", 0.01), 8, 128)
    assert machine.calls[:2] == ["a", "b"]
    blocks = ["".join(machine.calls[start : start + 4]) for start in range(2, len(machine.calls), 4)]
    assert set(blocks) == {"abba"}
    assert len(blocks) == MOST_BLOCKS
    assert latency.speedup.samples == MOST_BLOCKS
    assert (latency.speedup.lower, latency.speedup.upper) == pytest.approx((4, 4))
    assert (latency.original_p50_ms, latency.p50_ms, latency.p95_ms) == (40, 10, 10)
    assert (latency.batch, latency.sequence) == (8, 128)


def test_a_short_look_is_as_many_blocks_as_a_bound_needs(machine: Machine) -> None:
    slow = machine.taking("a", 0.4), machine.taking("b", 0.1)
    assert latency_of(*slow, 8, 128, least=GLANCE_BLOCKS, seconds=0.5).speedup.samples == GLANCE_BLOCKS
    assert len(machine.calls) == 2 + 4 * GLANCE_BLOCKS
    quick = machine.taking("a", 0.02), machine.taking("b", 0.005)
    assert latency_of(*quick, 1, 128, least=GLANCE_BLOCKS, seconds=0.5).speedup.samples > GLANCE_BLOCKS


def test_a_machine_that_slows_down_favours_nobody(machine: Machine) -> None:
    machine.slower = 1.05
    latency = latency_of(machine.taking("a", 0.04), machine.taking("b", 0.01), 1, 128)
    assert latency.speedup.value == pytest.approx(4, rel=0.01)
    assert latency.p95_ms > 2 * latency.p50_ms  # it did slow down


def test_slow_models_are_asked_less_often(machine: Machine) -> None:
    latency = latency_of(machine.taking("a", 1.5), machine.taking("b", 0.5), 8, 128)
    assert latency.speedup.samples == LEAST_BLOCKS


@pytest.mark.parametrize(
    ("widths", "taken", "kept"),
    [
        ([0.1], 1, 0.1),
        ([0.5, 0.1], 2, 0.1),
        ([0.5, 0.3, 0.4], ROUNDS, 0.3),  # never quiet: the quietest, and its bounds say how sure it is
        ([NOISY - 0.01], 1, NOISY - 0.01),
    ],
)
def test_a_noisy_measurement_is_taken_again(machine: Machine, widths: list[float], taken: int, kept: float) -> None:
    left = [wide(width) for width in widths]
    found = quietest(lambda: left.pop(0))
    assert machine.now == 0
    assert len(widths) - len(left) == taken
    assert noise_of(found) == pytest.approx(kept)


def test_no_round_begins_when_the_first_took_long(machine: Machine) -> None:
    def slow() -> Latency:
        machine.now += 60
        machine.calls.append("round")
        return wide(0.9)

    quietest(slow)
    assert machine.calls == ["round"]


def wide(width: float) -> Latency:
    """Return a latency whose ratio's interval has this width."""
    ratio = Figure(value=1, lower=1 - width / 2, upper=1 + width / 2, samples=8)
    return Latency(batch=1, sequence=8, original_p50_ms=1, original_p95_ms=1, p50_ms=1, p95_ms=1, speedup=ratio)
