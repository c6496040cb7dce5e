"""The machine a build runs on, as the kernel tells it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from modelyard.contract.report import Machine

CPU_INFO = Path("/proc/cpuinfo")
CGROUP = Path("/sys/fs/cgroup")
INSTRUCTION_SETS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "avx512_fp16",
)
BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
UNLIMITED_BYTES = 1 << 60


def this_machine() -> Machine:
    """Return what matters of this machine for speed and for which precisions it can run."""
    fields = _cpu_fields()
    flags = fields.get("flags", "").split()
    return Machine(
        cpu=fields.get("model name", platform.machine()),
        cores=usable_cores(),
        memory=usable_memory(),
        instruction_sets=tuple(name for name in INSTRUCTION_SETS if name in flags),
    )


def usable_cores() -> int:
    """Return how many cores this container may use: its CPU limit, rounded up, within the cores it is bound to."""
    bound = len(os.sched_getaffinity(0))
    quota = _cpu_quota()
    return bound if quota is None else max(1, min(bound, -int(-quota // 1)))


def usable_memory() -> int:
    """Return how many bytes this container may use: its limit, or the machine's memory."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in (CGROUP / "memory.max", CGROUP / "memory" / "memory.limit_in_bytes"):  # cgroup 2, cgroup 1
        if path.is_file() and (text := path.read_text().strip()).isdigit() and int(text) < UNLIMITED_BYTES:
            return min(whole, int(text))
    return whole


def peak_memory() -> int:
    """Return the most bytes this process has held so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _cpu_fields() -> dict[str, str]:
    """Return the first processor's fields of /proc/cpuinfo."""
    first = CPU_INFO.read_text().split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _cpu_quota() -> float | None:
    """Return the container's CPU limit in cores, None without one."""
    unified = CGROUP / "cpu.max"
    if unified.is_file():
        quota, period = unified.read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    split = CGROUP / "cpu"
    if (split / "cpu.cfs_quota_us").is_file():
        quota_us = int((split / "cpu.cfs_quota_us").read_text())
        return None if quota_us <= 0 else quota_us / int((split / "cpu.cfs_period_us").read_text())
    return None
