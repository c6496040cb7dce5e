"""A candidate in the sidecar's Triton repository: written as production serves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from modelyard.contract.choices import Candidate
from modelyard.contract.request import Shapes
from modelyard.manifests.triton_config import TritonModel, triton_config
from modelyard_runtime.models.description import Description

VERSION = "1"
LEAST_BATCH = 16
"""Texts a request that every candidate takes here: the test of batches asks so many at once."""
QUEUE_SIZE = 64


def name_of(candidate: Candidate) -> str:
    """Return the name that a candidate has in the repository."""
    return f"{candidate.engine}-{candidate.precision}".lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A candidate on so many threads, out of files that were last written then."""

    candidate: Candidate
    threads: int
    files: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, repository: Path, candidate: Candidate, threads: int) -> Self:
        """Return a candidate as its files are now. What is proven is these, so other ones are loaded anew."""
        stats = [(path.name, path.stat()) for path in sorted((repository / name_of(candidate) / VERSION).iterdir())]
        files = tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
        return cls(candidate=candidate, threads=threads, files=files)


def write_config(
    repository: Path, candidate: Candidate, description: Description, shapes: Shapes, threads: int
) -> None:
    """Write ``config.pbtxt`` of a candidate: one instance, no queue delay, the measured shapes warm."""
    sequence = min(shapes.sequence.opt, shapes.sequence.longest(description.positions))
    name = name_of(candidate)
    model = TritonModel(
        name=name,
        task=description.task,
        inputs=description.inputs,
        engine=candidate.engine,
        precision=candidate.precision,
        instances=1,
        threads=threads,
        max_batch_size=max(LEAST_BATCH, shapes.batch.opt),
        queue_delay_microseconds=0,
        queue_size=QUEUE_SIZE,
        warmup=((1, sequence), (shapes.batch.opt, sequence)),
    )
    (repository / name / "config.pbtxt").write_text(triton_config(model))
