"""What a container's counters say of kills for memory, in both versions of the kernel's groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard_runtime.server.memory import killed_for_memory


@pytest.mark.parametrize(
    ("file", "lines", "killed"),
    [
        ("memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\noom_group_kill 0\n", 2),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 1),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", 0),
        ("elsewhere", "oom_kill 1\n", 0),
    ],
    ids=["cgroup 2", "cgroup 1", "an old kernel", "nothing counts"],
)
def test_kills_are_counted(tmp_path: Path, file: str, lines: str, killed: int) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(lines)
    assert killed_for_memory(tmp_path) == killed
