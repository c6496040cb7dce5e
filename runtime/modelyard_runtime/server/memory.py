"""Whether the kernel killed a process here for memory: it says so to nobody but the container's counters."""

from __future__ import annotations

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
COUNTERS = ("memory.events", "memory/memory.oom_control")
"""Of cgroup 2 and of cgroup 1: lines of a name and a number."""


def killed_for_memory(cgroup: Path = CGROUP) -> int:
    """Return how many processes of this container the kernel has killed for memory; 0 where nothing counts them."""
    for name in COUNTERS:
        if (path := cgroup / name).is_file():
            counters = dict(line.split(maxsplit=1) for line in path.read_text().splitlines())
            return int(counters.get("oom_kill", 0))
    return 0
