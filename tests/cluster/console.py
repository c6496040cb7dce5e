"""What the user sees: one line a finished step, a sign of life every ten seconds, and waits with a deadline."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from tests.cluster.errors import ClusterError

SIGN_OF_LIFE_SECONDS = 10.0
WORTH_SAYING_SECONDS = 1.0
_began = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the command began."""
    print(f"[{time.monotonic() - _began:6.1f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Run a block that may take long: says every ten seconds that it goes on, and its end if it took a while."""
    began = time.monotonic()
    done = Event()

    def reassure() -> None:
        while not done.wait(SIGN_OF_LIFE_SECONDS):
            say(f"{what}: still at it, {time.monotonic() - began:.0f} s so far")

    watcher = Thread(target=reassure, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    if time.monotonic() - began > WORTH_SAYING_SECONDS:
        say(f"{what}: done in {time.monotonic() - began:.1f} s")


def wait_for(
    what: str,
    condition: Callable[[], bool],
    *,
    seconds: float,
    fix: str,
    interval: float = 0.1,
) -> None:
    """Return as soon as `condition` holds; raise ClusterError, with `fix`, when `seconds` are over."""
    began = time.monotonic()
    spoke = began
    while not condition():
        now = time.monotonic()
        if now - began > seconds:
            raise ClusterError(f"{what}: not there after {seconds:.0f} s", fix=fix)
        if now - spoke > SIGN_OF_LIFE_SECONDS:
            say(f"{what}: waiting, {now - began:.0f} s so far")
            spoke = now
        time.sleep(interval)
