"""What a generation was resolved to: everything left open, settled once, and read ever after.

A snapshot is the data of a ControllerRevision. Later versions only add fields with defaults, and a reader ignores
fields that it doesn't know, so each version reads the snapshots of the one before. ``build_key`` and ``revision``
are stored rather than recomputed: a changed way of hashing moves no model.
"""

from __future__ import annotations

from pydantic import ValidationError

from modelyard.api.base import without_empty
from modelyard.api.model import BatchingSpec, OptimizedModelSpec
from modelyard.api.pod import PodOverlay, ResourcesSpec
from modelyard.contract.choices import Candidate, Engine, Objective, Precision, Task
from modelyard.contract.request import ParityGate, Shapes
from modelyard.errors import SnapshotUnreadable
from modelyard.kept import Kept
from modelyard.naming import REVISION_NAME_DIGITS, build_name, digest
from modelyard.pins import AdapterPin, ArtifactPin, DatasetPin, Pin, identity


class BuildSnapshot(Kept):
    """What decides a build's bytes, and what is said of them.

    ``parity`` and ``objective`` only where several candidates compete; ``dataset`` where the texts are the user's;
    ``adapters`` where some are merged.
    """

    source: Pin
    adapters: tuple[AdapterPin, ...] | None = None
    task: Task
    candidates: tuple[Candidate, ...]
    objective: Objective | None = None
    shapes: Shapes
    parity: ParityGate | None = None
    dataset: DatasetPin | None = None
    runtime_image: str  # empty where nothing is converted


class ServingSnapshot(Kept):
    """What decides a revision's objects, replicas apart. ``registry`` is where nodes and pods pull from."""

    model_name: str
    operator_image: str
    triton_image: str
    registry: str
    plain_http: bool = False
    pull_secret: str | None = None
    resources: ResourcesSpec
    batching: BatchingSpec
    instances: int
    pod: PodOverlay
    drain_seconds: int
    allow_insecure_server: bool = False


class Snapshot(Kept):
    """A generation, resolved. ``build_key``: 64 hex digits; ``revision``: 8."""

    schema_version: int = 1
    build_key: str
    attempt: int = 1
    revision: str
    build: BuildSnapshot
    serving: ServingSnapshot
    proxy_image: str

    @property
    def build_name(self) -> str:
        """Return the name of the ModelBuild that this revision needs."""
        return build_name(self.build_key)

    @property
    def promoted(self) -> ArtifactPin | None:
        """Return the artifact that the user named, None where one is built."""
        return self.build.source if isinstance(self.build.source, ArtifactPin) else None

    def artifact_ref(self, namespace: str, digest: str) -> str:
        """Return what pods pull: REGISTRY/NAMESPACE/BUILD@DIGEST, or the artifact that the user named."""
        if self.promoted:
            return self.promoted.ref
        return f"{self.serving.registry}/{namespace}/{self.build_name}@{digest}"

    @property
    def digest(self) -> str:
        """Return the digest of everything in it; a record is named by it."""
        return digest(self.to_dict())


def build_key(build: BuildSnapshot) -> str:
    """Return the digest over what decides the artifact's bytes, 64 hex digits.

    A hub's endpoint, the name of a registry, an adapter or a ConfigMap, and secrets are not in it: a commit or a digest
    is the same everywhere, and so is a version of the runtime, from whichever mirror it was pulled.
    """
    inputs = build.to_dict()
    inputs["source"] = identity(build.source)
    if build.adapters:
        inputs["adapters"] = [{"scale": one.scale, "source": identity(one.source)} for one in build.adapters]
    if build.dataset:
        form = build.dataset.key.rpartition(".")[2]  # by which it is read
        inputs["dataset"] = {"sha256": build.dataset.digest, "column": build.dataset.column, "form": form}
    inputs["runtimeImage"] = build.runtime_image.rpartition("/")[2]
    return digest({"schema": 1} | inputs)


def revision_name(build: BuildSnapshot, key: str, attempt: int, serving: ServingSnapshot) -> str:
    """Return the name of the revision that serves this build so, 8 hex digits.

    Of what the user named, which pods pull where it lies, the place is in it: moved, it is pulled anew.
    """
    identity = {"build": key, "attempt": attempt, "serving": serving.to_dict()}
    if isinstance(build.source, ArtifactPin):
        identity["artifact"] = build.source.to_dict()
    return digest(identity)[:REVISION_NAME_DIGITS]


def snapshot_of(build: BuildSnapshot, serving: ServingSnapshot, *, attempt: int, proxy_image: str) -> Snapshot:
    """Return the snapshot of a build and the way to serve it, with its key and its name."""
    key = build_key(build)
    return Snapshot(
        build_key=key,
        attempt=attempt,
        revision=revision_name(build, key, attempt, serving),
        build=build,
        serving=serving,
        proxy_image=proxy_image,
    )


def snapshot_from(data: object) -> Snapshot:
    """Return the snapshot in a ControllerRevision's data. Raises SnapshotUnreadable."""
    try:
        return Snapshot.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SnapshotUnreadable(f"its recorded snapshot can't be read ({faults}); upgrade the operator") from error


def spec_digest(spec: OptimizedModelSpec) -> str:
    """Return the digest of those parts of a spec that are resolved.

    Defaults are left out, so that a field added by a later version changes no digest. Replicas, gates, roll-out, build
    resources and ``suspend`` are read live: changing them resolves nothing. But the parity gate decides among several
    candidates, unless engine and precision are both named.
    """
    named = spec.optimization.engine is not Engine.AUTO and spec.optimization.precision is not Precision.AUTO
    live_gates = {"performance", "on_failure"} | ({"parity"} if named else set())
    resolved = spec.model_dump(
        mode="json",
        by_alias=True,
        exclude_defaults=True,
        exclude={
            "suspend": True,
            "rollout": True,
            "traffic": True,
            "build": True,
            "gates": live_gates,
            "serving": {"replicas"},
        },
    )
    # An object whose only field is read live says nothing that is resolved.
    return digest(without_empty(resolved))
