"""Where a step is: one line of JSON on standard output, the termination message, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from modelyard.contract.report import Stage
from modelyard.contract.steps import Progress, Step
from modelyard_runtime.termination import TerminationLog

LEAST_SECONDS_BETWEEN = 0.5

Advance: TypeAlias = Callable[[float], None]
"""Told how much of the stage is done, 0 to 1."""


class Journal:
    """A step's progress. ``timings`` holds every stage that ended, in order."""

    def __init__(self, step: Step, log: TerminationLog) -> None:
        """Start the clock."""
        self.step = step
        self.log = log
        self.timings: list[Stage] = []
        self._started = time.monotonic()

    @contextmanager
    def stage(self, name: str) -> Iterator[Advance]:
        """Tell that a stage begins; time it; tell that it ended. Yields a function to tell how far it is."""
        self.log.update(stage=name)
        self.tell(name, 0.0)
        began = told = time.monotonic()

        def advance(fraction: float) -> None:
            nonlocal told
            if time.monotonic() - told >= LEAST_SECONDS_BETWEEN:
                told = time.monotonic()
                self.tell(name, min(fraction, 1.0))

        yield advance
        seconds = round(time.monotonic() - began, 3)
        self.timings.append(Stage(name=name, seconds=seconds))
        self.tell(name, 1.0, f"{seconds:.1f} s")

    def tell(self, stage: str, fraction: float, message: str = "") -> None:
        """Print one line."""
        elapsed = round(time.monotonic() - self._started, 2)
        line = Progress(step=self.step, stage=stage, fraction=fraction, elapsed_seconds=elapsed, message=message)
        print(line.to_json(), flush=True)
