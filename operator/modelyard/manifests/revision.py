"""A revision as its manifests need it: what is served, from which artifact, by how many."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.api.base import duration
from modelyard.contract.choices import Engine, Precision, Task
from modelyard.manifests.metadata import Owner
from modelyard.manifests.triton_config import TritonModel
from modelyard.naming import revision_object_name
from modelyard.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision to be written. ``digest`` is the artifact's; ``replicas`` only counts when it is made."""

    owner: Owner
    snapshot: Snapshot
    digest: str
    engine: Engine
    precision: Precision
    task: Task
    inputs: tuple[str, ...]
    replicas: int

    @property
    def name(self) -> str:
        """Return the 8 hex digits that name it."""
        return self.snapshot.revision

    @property
    def object_name(self) -> str:
        """Return the name of its objects."""
        return revision_object_name(self.owner.name, self.name)

    @property
    def artifact(self) -> str:
        """Return what its pods pull, by digest."""
        return self.snapshot.artifact_ref(self.owner.namespace, self.digest)

    @property
    def plain_http(self) -> bool:
        """Return whether they pull without TLS."""
        return (self.snapshot.promoted or self.snapshot.serving).plain_http

    @property
    def pull_secret(self) -> str | None:
        """Return the Secret that they pull with, if any."""
        return (self.snapshot.promoted or self.snapshot.serving).pull_secret

    @property
    def triton_model(self) -> TritonModel:
        """Return how Triton serves it: one thread an instance, warm at the sizes that it was optimized for."""
        serving, shapes = self.snapshot.serving, self.snapshot.build.shapes
        batch = min(shapes.batch.opt, serving.batching.max_batch_size)
        return TritonModel(
            name=serving.model_name,
            task=self.task,
            inputs=self.inputs,
            engine=self.engine,
            precision=self.precision,
            instances=serving.instances,
            threads=1,
            max_batch_size=serving.batching.max_batch_size,
            queue_delay_microseconds=round(duration(serving.batching.max_queue_delay).total_seconds() * 1e6),
            queue_size=serving.batching.max_queue_size,
            warmup=((1, shapes.sequence.opt), (batch, shapes.sequence.opt)),
        )
