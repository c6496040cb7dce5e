"""What a step's exception means: a reason out of the closed set, whatever it is."""

from __future__ import annotations

import errno

from modelyard.contract import BuildReason
from modelyard_runtime.errors import BuildFailed

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_MEMORY = ("can't allocate memory", "not enough memory", "std::bad_alloc", "Failed to allocate memory")
"""How libraries say it that raise no MemoryError: torch, OpenVINO, ONNX Runtime."""


def failure_of(error: Exception) -> BuildFailed:
    """Return the exception as the operator is told it; one that nobody foresaw is told in its own words."""
    if isinstance(error, BuildFailed):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        return BuildFailed(
            BuildReason.DISK_FULL,
            f"the scratch disk is full ({error}); raise spec.build.scratch to some four times the model's size",
        )
    words = str(error)
    out_of_memory = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    if out_of_memory or any(text in words for text in NO_MEMORY):
        return BuildFailed(
            BuildReason.OUT_OF_MEMORY,
            f"memory ran out ({words or 'MemoryError'}); raise spec.build.resources.limits.memory",
        )
    return BuildFailed(BuildReason.CONVERSION_FAILED, f"{type(error).__name__}: {words}")
