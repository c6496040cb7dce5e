"""What the demo prints: steps with their times, one live line in a terminal, plain lines without one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(slots=True, kw_only=True)
class Screen:
    """Plain text; a terminal gets a line that is written over, anything else one line for each change."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    _live: str = ""
    _last: str = ""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print ``title`` now, and how long the block took once it is over."""
        self.say(f"==> {title}")
        started = time.monotonic()
        yield
        self.say(f"    done in {time.monotonic() - started:.1f} s")

    def say(self, line: str = "") -> None:
        """Print a line that stays."""
        self._clear()
        print(line, file=self.stream, flush=True)

    def progress(self, stage: str, detail: str) -> None:
        """Show where things are: ``stage`` changes seldom and stays, ``detail`` changes often."""
        if self.stream.isatty():
            self._clear()
            self._live = f"    {stage}  {detail}"[:100]
            print(self._live, end="", file=self.stream, flush=True)
        elif stage != self._last:
            self.say(f"    {stage}  {detail}")
        self._last = stage

    def still(self, detail: str) -> None:
        """Show a sign of life of the latest stage."""
        stage, self._last = self._last, ""
        self.progress(stage, detail)

    def _clear(self) -> None:
        if self._live:
            print(f"\r{' ' * len(self._live)}\r", end="", file=self.stream, flush=True)
            self._live = ""


def table(rows: list[tuple[str, str]]) -> str:
    """Return two aligned columns under a line."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in rows)
