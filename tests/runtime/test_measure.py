"""Ratios come from blocks of both in alternation, so that a machine that slows down favours nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modelyard.contract.choices import INPUTS
from modelyard.contract.request import BatchSize, Shapes
from modelyard_runtime import measure
from modelyard_runtime.backend.rows import Batch
from modelyard_runtime.measure import BESIDES, GLANCE, NOISY, WHOLE, call, latency_of, noise_of, speed_of
from modelyard_runtime.served import Served


@dataclass(slots=True, kw_only=True)
class Machine:
    """A clock that asking moves on. Each call takes ``slower`` times as long as the one before it.

    Of the first ``disturbed`` calls, those of one side of every other block take three times as long.
    """

    slower: float = 1.0
    disturbed: int = 0
    now: float = 0.0
    load: float = 1.0
    calls: list[str] = field(default_factory=list)

    def perf_counter(self) -> float:
        return self.now

    monotonic = perf_counter

    def taking(self, name: str, seconds: float) -> Callable[[Batch], object]:
        """Return something to ask that takes so long on an idle machine."""

        def ask(batch: Batch) -> None:
            assert batch["input_ids"].shape == batch["attention_mask"].shape
            self.calls.append(name)
            busy = len(self.calls) <= self.disturbed and len(self.calls) % 8 in {4, 5}
            self.now += seconds * self.load * (3 if busy else 1)
            self.load *= self.slower

        return ask


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The clock that measuring reads."""
    machine = Machine()
    monkeypatch.setattr(measure, "time", machine)
    return machine


def test_each_is_warmed_then_asked_in_blocks_of_abba(machine: Machine) -> None:
    latency = latency_of(machine.taking("a", 0.04), machine.taking("b", 0.01), call(8, 128), WHOLE)
    assert machine.calls[:2] == ["a", "b"]
    blocks = ["".join(machine.calls[start : start + 4]) for start in range(2, len(machine.calls), 4)]
    assert set(blocks) == {"abba"}
    assert len(blocks) == WHOLE.enough
    assert latency.speedup.samples == WHOLE.enough
    assert (latency.speedup.lower, latency.speedup.upper) == pytest.approx((4, 4))
    assert (latency.original_p50_ms, latency.p50_ms, latency.p95_ms) == (40, 10, 10)
    assert (latency.batch, latency.sequence) == (8, 128)


def test_a_short_look_is_as_many_blocks_as_a_bound_needs(machine: Machine) -> None:
    slow = machine.taking("a", 0.4), machine.taking("b", 0.1)
    assert latency_of(*slow, call(8, 128), GLANCE).speedup.samples == GLANCE.blocks
    assert len(machine.calls) == 2 + 4 * GLANCE.blocks
    quick = machine.taking("a", 0.02), machine.taking("b", 0.005)
    assert latency_of(*quick, call(1, 128), GLANCE).speedup.samples > GLANCE.blocks


def test_a_machine_that_slows_down_favours_nobody(machine: Machine) -> None:
    machine.slower = 1.05
    latency = latency_of(machine.taking("a", 0.04), machine.taking("b", 0.01), call(1, 128), WHOLE)
    assert latency.speedup.value == pytest.approx(4, rel=0.01)
    assert latency.p95_ms > 2 * latency.p50_ms  # it did slow down


def test_slow_models_are_asked_less_often(machine: Machine) -> None:
    latency = latency_of(machine.taking("a", 1.5), machine.taking("b", 0.5), call(8, 128), WHOLE)
    assert latency.speedup.samples == WHOLE.blocks


def test_a_noisy_measurement_goes_on_until_it_is_quiet(machine: Machine) -> None:
    machine.disturbed = 4 * WHOLE.enough
    latency = latency_of(machine.taking("a", 0.04), machine.taking("b", 0.01), call(1, 128), WHOLE)
    assert WHOLE.enough < latency.speedup.samples < WHOLE.most_blocks
    assert noise_of(latency.speedup) <= NOISY
    assert latency.speedup.value == pytest.approx(4)


@pytest.mark.parametrize("decides", [1, 4, 8])
def test_only_what_decides_is_waited_for_on_a_busy_machine(machine: Machine, decides: int) -> None:
    machine.disturbed = 10**6
    decision: Any = SimpleNamespace(inputs=INPUTS)
    served = Served(answer=cast("Any", machine.taking("b", 0.4)), decision=decision)
    shapes = Shapes(batch=BatchSize(opt=4))
    measured = speed_of(
        machine.taking("a", 0.8),
        served,
        shapes,
        decide=frozenset({decides}),
        limit=512,
        threads=1,
        advance=lambda _: machine.calls.clear(),  # each batch size is disturbed alike
    )
    blocks = {latency.batch: latency.speedup.samples for latency in measured.speed.latencies}
    assert blocks.keys() == {1, 4, 8}
    assert {batch for batch, count in blocks.items() if count > BESIDES.blocks} == {decides}
    assert measured.noise.count("batch") == 3, "how sure each is, is told of each"


@pytest.mark.parametrize(
    ("original", "candidate", "blocks"),
    [
        (0.01, 0.01, WHOLE.most_blocks),
        (8.0, 0.5, WHOLE.blocks),
        (0.8, 0.2, 13),  # surely faster all the while: no reason to end sooner
        (0.8, 0.4, 10),  # now faster, now slower: no reason to go on
    ],
    ids=["quick", "slow", "faster", "either"],
)
def test_a_machine_that_stays_busy_is_not_waited_for(
    machine: Machine, original: float, candidate: float, blocks: float
) -> None:
    machine.disturbed = 10**6
    latency = latency_of(machine.taking("a", original), machine.taking("b", candidate), call(1, 128), WHOLE)
    assert latency.speedup.samples == pytest.approx(blocks, abs=1)
    assert noise_of(latency.speedup) > NOISY  # and its bounds say how sure it is
