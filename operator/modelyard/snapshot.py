"""What a generation was resolved to: everything left open, settled once, and read ever after.

A snapshot is the data of a ControllerRevision. Later versions only add fields with defaults, and a reader ignores
fields that it doesn't know, so each version reads the snapshots of the one before. ``build_key`` and ``revision``
are stored rather than recomputed: a changed way of hashing moves no model.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from modelyard.api.base import Quantity, without_empty
from modelyard.api.model import BatchingSpec, OptimizedModelSpec
from modelyard.api.pod import PodOverlay, ResourcesSpec
from modelyard.contract.choices import Candidate, Engine, Objective, Precision, Task
from modelyard.contract.request import ParityGate, Shapes
from modelyard.errors import SnapshotUnreadable
from modelyard.naming import REVISION_NAME_DIGITS, build_name, digest


class Kept(BaseModel):
    """Base of what is stored: frozen, camelCase, unknown fields ignored (a newer version may have added them)."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, camelCase, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class HuggingFacePin(Kept):
    """A repository at a commit (40 hex digits)."""

    kind: Literal["huggingFace"] = "huggingFace"
    repo: str
    commit: str
    endpoint: str
    token_secret: str | None = None
    token_key: str = "token"  # noqa: S105 - a key in a Secret, no secret


class OciPin(Kept):
    """A model folder by digest: ``repository`` without tag, ``digest`` as ``sha256:...``."""

    kind: Literal["oci"] = "oci"
    repository: str
    digest: str
    plain_http: bool = False
    pull_secret: str | None = None


class ObjectStorePin(Kept):
    """A folder of an object store, keyed as written; the Job records the digest that it read."""

    kind: Literal["objectStore"] = "objectStore"
    url: str
    revision: str = ""
    endpoint: str = ""
    credentials_secret: str | None = None


class ArtifactPin(Kept):
    """What a build made already: ``repository`` without tag, ``digest`` as ``sha256:...``."""

    kind: Literal["artifact"] = "artifact"
    repository: str
    digest: str
    plain_http: bool = False
    pull_secret: str | None = None

    @property
    def ref(self) -> str:
        """Return REGISTRY/REPOSITORY@DIGEST."""
        return f"{self.repository}@{self.digest}"


class PvcPin(Kept):
    """A folder of a claim, keyed as written; the Job records the digest that it read."""

    kind: Literal["pvc"] = "pvc"
    claim_name: str
    path: str = ""
    revision: str = ""


Pin = Annotated[ArtifactPin | HuggingFacePin | ObjectStorePin | OciPin | PvcPin, Field(discriminator="kind")]


class DatasetPin(Kept):
    """The user's texts, by the digest of their file."""

    config_map: str
    key: str
    column: str
    digest: str


class BuildSnapshot(Kept):
    """What decides a build's bytes, and what is said of them.

    ``parity`` and ``objective`` only where several candidates compete; ``dataset`` where the texts are the user's.
    """

    source: Pin
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

    A hub's endpoint, a registry's or a ConfigMap's name and secrets are not in it: a commit or a digest is the same
    everywhere, and so is a version of the runtime, from whichever mirror it was pulled.
    """
    inputs = build.to_dict()
    inputs["source"] = _identity(build.source)
    if build.dataset:
        inputs["dataset"] = {"sha256": build.dataset.digest, "column": build.dataset.column}
    inputs["runtimeImage"] = build.runtime_image.rpartition("/")[2]
    return digest({"schema": 1} | inputs)


def revision_name(key: str, attempt: int, serving: ServingSnapshot) -> str:
    """Return the name of the revision that serves this build so, 8 hex digits."""
    identity = {"build": key, "attempt": attempt, "serving": serving.to_dict()}
    return digest(identity)[:REVISION_NAME_DIGITS]


def snapshot_of(build: BuildSnapshot, serving: ServingSnapshot, *, attempt: int, proxy_image: str) -> Snapshot:
    """Return the snapshot of a build and the way to serve it, with its key and its name."""
    key = build_key(build)
    return Snapshot(
        build_key=key,
        attempt=attempt,
        revision=revision_name(key, attempt, serving),
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


def _identity(pin: ArtifactPin | HuggingFacePin | ObjectStorePin | OciPin | PvcPin) -> dict[str, str]:
    """Return what names a source's bytes."""
    if isinstance(pin, ArtifactPin):
        return {"artifact": pin.digest}
    if isinstance(pin, HuggingFacePin):
        return {"huggingFace": pin.repo, "commit": pin.commit}
    if isinstance(pin, OciPin):
        return {"oci": pin.digest}
    if isinstance(pin, ObjectStorePin):
        return {"objectStore": pin.url, "revision": pin.revision, "endpoint": pin.endpoint}
    return {"pvc": pin.claim_name, "path": pin.path, "revision": pin.revision}


__all__ = [
    "ArtifactPin",
    "BuildSnapshot",
    "DatasetPin",
    "HuggingFacePin",
    "Kept",
    "ObjectStorePin",
    "OciPin",
    "Pin",
    "PvcPin",
    "Quantity",
    "ServingSnapshot",
    "Snapshot",
    "build_key",
    "revision_name",
    "snapshot_from",
    "snapshot_of",
    "spec_digest",
]
