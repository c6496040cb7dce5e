"""The processes that run our backend for Triton, one an instance.

Triton goes on without one that was killed: it stays ready, and answers 500 to whatever that one would have been asked.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

PROC = Path("/proc")


def children_of(parent: int) -> list[int]:
    """Return the ids of a process's children."""
    return [int(folder.name) for folder in PROC.iterdir() if folder.name.isdigit() and _parent(folder) == parent]


def wait_for_one_to_end(children: Iterable[int]) -> None:
    """Return once one of them has ended, though its parent be another process; never where there are none."""
    poll = select.poll()
    with ExitStack() as opened:
        for child in children:
            try:
                descriptor = os.pidfd_open(child)
            except ProcessLookupError:
                return
            opened.callback(os.close, descriptor)
            poll.register(descriptor, select.POLLIN)
        poll.poll()


def _parent(folder: Path) -> int | None:
    with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        # The name, in brackets, may hold anything; after it come the state and the parent.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return None
