"""What the demo prints: steps with their times, one live line in a terminal, plain lines without one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Event, RLock, Thread
from typing import TextIO

SIGN_OF_LIFE_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Screen:
    """Plain text; a terminal gets a line that is written over, anything else one line for each change.

    ``patience`` is how many seconds may pass in a step without a word.
    """

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    patience: float = SIGN_OF_LIFE_SECONDS
    _stage: str = ""
    _live: str = ""
    _spoke: float = field(default_factory=time.monotonic)
    _began: float | None = None
    _lock: RLock = field(default_factory=RLock)

    @contextmanager
    def step(self, title: str, *, speaks: bool = False) -> Iterator[None]:
        """Print ``title`` now, that the block goes on while it takes long, and how long it took once it is over.

        ``speaks``: what runs in the block prints for itself that it goes on.
        """
        self.say(f"==> {title}")
        self._stage = ""
        started = time.monotonic()
        with nullcontext() if speaks else self.signs_of_life():
            yield
        self.say(f"    done in {time.monotonic() - started:.1f} s")

    @contextmanager
    def signs_of_life(self) -> Iterator[None]:
        """Whenever nothing was printed for a while, say for how long the block has been at it."""
        around, self._began = self._began, time.monotonic()
        try:
            with self._reassuring() if around is None else nullcontext():
                yield
        finally:
            self._began = around

    @contextmanager
    def _reassuring(self) -> Iterator[None]:
        """Do so in a thread: one is enough, it speaks of the innermost block."""
        over = Event()

        def reassure() -> None:
            while not over.wait(self._spoke + self.patience - time.monotonic()):
                with self._lock:
                    now = time.monotonic()
                    if now - self._spoke >= self.patience:
                        self._show(f"{now - (self._began or now):4.0f} s  still at it")

        thread = Thread(target=reassure, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def say(self, line: str = "") -> None:
        """Print a line that stays."""
        with self._lock:
            self._clear()
            self._print(f"{line}\n")

    def progress(self, stage: str, detail: str) -> None:
        """Show where things are: ``stage`` changes seldom and stays, ``detail`` changes often."""
        with self._lock:
            changed, self._stage = stage != self._stage, stage
            if changed or self.stream.isatty():
                self._show(detail)

    def _show(self, detail: str) -> None:
        line = f"    {self._stage}  {detail}" if self._stage else f"    {detail}"
        if not self.stream.isatty():
            self.say(line)
            return
        self._clear()
        self._live = line[:100]
        self._print(self._live)

    def _clear(self) -> None:
        if self._live:
            self._print(f"\r{' ' * len(self._live)}\r")
            self._live = ""

    def _print(self, text: str) -> None:
        print(text, end="", file=self.stream, flush=True)
        self._spoke = time.monotonic()


def table(rows: list[tuple[str, str]]) -> str:
    """Return two aligned columns under a line."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in rows)
