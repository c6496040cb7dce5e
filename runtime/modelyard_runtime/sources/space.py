"""Room on the scratch volume, checked before bytes are moved."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed

GIB = 1 << 30
COPIES = 4
"""Of the weights: as fetched, the graph, a candidate and the artifact."""


def check_room(scratch: Path, size: int) -> None:
    """Raise BuildFailed (DiskFull) if a build of ``size`` bytes of files does not fit on the volume.

    What a try before this one left in ``scratch`` is written over.
    """
    free = shutil.disk_usage(scratch).free + sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
    need = COPIES * size
    if free < need:
        raise BuildFailed(
            BuildReason.DISK_FULL,
            f"the build needs {need / GIB:.1f} GiB of scratch and {free / GIB:.1f} GiB are free: "
            "raise spec.build.scratch",
        )
