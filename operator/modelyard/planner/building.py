"""A model's build: made or shared, owned, waited for."""

from __future__ import annotations

from typing import Any

from modelyard.api.build import (
    BuildImages,
    CandidateSpec,
    DestinationSpec,
    ModelBuildSpec,
    PinnedAdapter,
    PinnedArtifact,
    PinnedDataset,
    PinnedHuggingFace,
    PinnedObjectStore,
    PinnedOci,
    PinnedPvc,
    PinnedSource,
)
from modelyard.api.model import OptimizedModelSpec
from modelyard.api.optimization import ShapesSpec
from modelyard.api.proof import ConfigMapKeyRef, ParitySpec
from modelyard.api.source import SecretKeyRef, SecretRef
from modelyard.contract.choices import Objective
from modelyard.manifests.metadata import model_owner, owner_reference
from modelyard.manifests.modelbuild import build_manifest
from modelyard.manifests.overlay import merged_resources
from modelyard.naming import build_tag, owner_field_manager
from modelyard.pins import ArtifactPin, DatasetPin, HuggingFacePin, ObjectStorePin, OciPin, Pin
from modelyard.snapshot import Snapshot
from modelyard.state.desired import Desired
from modelyard.state.observed import BuildPhase, BuildView, Observed, Record
from modelyard.state.plan import Action, Claim, Create, Delete, Disown, Own

CORRECTABLE = ("source", "adapters", "pod", "resources", "memory_limit_is_users", "scratch", "timeout")
"""What of a build's spec is no part of its key: where and as who it reads, and what it runs with."""


def build_actions(want: Desired, spec: OptimizedModelSpec, have: Observed, snapshot: Snapshot) -> list[Action]:
    """Return what brings the build about: POST, or a reference of our own on one that is there."""
    view = have.builds.get(snapshot.build_name)
    if view is not None and view.deleting:
        return []
    wanted = build_spec(want, spec, snapshot)
    corrected = view is not None and not view.shared and _is_corrected(view, wanted)
    if view is not None and view.attempt >= snapshot.attempt and not corrected:
        return owning(want, view)
    manifest = build_manifest(want.namespace, wanted)
    create = Create(manifest=manifest, why=f"revision {snapshot.revision} needs it", claim=_claim(want))
    if view is None:
        return [create]
    # In one pass: a model that shares the build wakes once it is gone, and would make the former attempt again.
    why = "what it reads or runs with was corrected" if corrected else f"attempt {snapshot.attempt} was commanded"
    return [Delete(ref=view.ref, why=why), create]


def _is_corrected(view: BuildView, wanted: ModelBuildSpec) -> bool:
    """Return whether a build that came to nothing is now asked with another Secret, place, room or time: by its fix.

    None of that is in its key.
    """
    stuck = view.phase in {BuildPhase.FAILED, BuildPhase.PENDING} and view.owned
    if not stuck or view.spec is None or view.attempt != wanted.attempt:
        return False
    return any(getattr(view.spec, name) != getattr(wanted, name) for name in CORRECTABLE)


def needs_a_command(want: Desired, spec: OptimizedModelSpec, snapshot: Snapshot, view: BuildView) -> bool:
    """Return whether what was corrected reaches the build by the command retry alone.

    One that another model owns as well is left as it is: each would ask it in its own way for ever.
    """
    return view.shared and _is_corrected(view, build_spec(want, spec, snapshot))


def owning(want: Desired, view: BuildView) -> list[Action]:
    """Return the reference of this model on a build, unless it is there."""
    if view.owned or view.deleting:
        return []
    return [Own(ref=view.ref, claim=_claim(want), why="this model needs it")]


def _claim(want: Desired) -> Claim:
    reference = owner_reference(model_owner(want.namespace, want.name, want.uid), controller=False)
    return Claim(owner=reference, manager=owner_field_manager(want.uid))


def disowning(want: Desired, have: Observed, gone: tuple[Record, ...]) -> list[Action]:
    """Return: builds that no record names any more, but those that are ``gone``, are left to others, or to nobody."""
    needed = {record.snapshot.build_name for record in have.records if record not in gone}
    return [
        Disown(ref=view.ref, manager=owner_field_manager(want.uid), why="no revision of this model needs it")
        for name, view in sorted(have.builds.items())
        if view.owned and name not in needed and not view.deleting
    ]


def build_spec(want: Desired, spec: OptimizedModelSpec, snapshot: Snapshot) -> ModelBuildSpec:
    """Return the ModelBuild's spec: what the snapshot fixes, and how the conversion runs as the spec says now."""
    build, defaults = snapshot.build, want.defaults
    return ModelBuildSpec(
        key=snapshot.build_key,
        attempt=snapshot.attempt,
        source=PinnedSource(**_member(build.source)),
        adapters=[PinnedAdapter(name=a.name, scale=a.scale, **_member(a.source)) for a in build.adapters or ()],
        task=build.task,
        candidates=[CandidateSpec(engine=c.engine, precision=c.precision) for c in build.candidates],
        objective=build.objective or Objective.THROUGHPUT,
        shapes=ShapesSpec.model_validate(build.shapes.model_dump()),
        parity=ParitySpec.model_validate(build.parity.model_dump()) if build.parity else None,
        dataset=_dataset(build.dataset),
        images=BuildImages(runtime=build.runtime_image, triton=snapshot.serving.triton_image),
        destination=_destination(want, snapshot),
        pod=spec.build.pod,
        resources=merged_resources(spec.build.resources, defaults.build_resources),
        memory_limit_is_users="memory" in spec.build.resources.limits,
        scratch=spec.build.scratch,
        timeout=spec.build.timeout,
    )


def _destination(want: Desired, snapshot: Snapshot) -> DestinationSpec:
    """Return where the artifact will be, or is."""
    pin, registry, name = snapshot.build.source, want.defaults.registry, snapshot.build_name
    if isinstance(pin, ArtifactPin):
        return DestinationSpec(repository=pin.repository, tag=pin.digest, plain_http=pin.plain_http)
    return DestinationSpec(
        repository=f"{registry.push}/{want.namespace}/{name}",
        tag=build_tag(name, snapshot.attempt),
        plain_http=registry.plain_http,
    )


def _dataset(pin: DatasetPin | None) -> PinnedDataset | None:
    if pin is None:
        return None
    where = ConfigMapKeyRef(name=pin.config_map, key=pin.key)
    return PinnedDataset(config_map_ref=where, column=pin.column, digest=pin.digest)


def _member(pin: Pin) -> dict[str, Any]:
    """Return the field of a source that a pin fills, by its name."""
    if isinstance(pin, HuggingFacePin):
        token = SecretKeyRef(name=pin.token_secret, key=pin.token_key) if pin.token_secret else None
        hub = PinnedHuggingFace(repo=pin.repo, revision=pin.commit, endpoint=pin.endpoint, token_secret_ref=token)
        return {"hugging_face": hub}
    if isinstance(pin, ArtifactPin):
        secret = SecretRef(name=pin.pull_secret) if pin.pull_secret else None
        return {"artifact": PinnedArtifact(ref=pin.ref, plain_http=pin.plain_http, pull_secret_ref=secret)}
    if isinstance(pin, OciPin):
        secret = SecretRef(name=pin.pull_secret) if pin.pull_secret else None
        ref = f"{pin.repository}@{pin.digest}"
        return {"oci": PinnedOci(ref=ref, plain_http=pin.plain_http, pull_secret_ref=secret)}
    if isinstance(pin, ObjectStorePin):
        secret = SecretRef(name=pin.credentials_secret) if pin.credentials_secret else None
        folder = PinnedObjectStore(
            url=pin.url, revision=pin.revision, endpoint=pin.endpoint, credentials_secret_ref=secret
        )
        return {"object_store": folder}
    return {"pvc": PinnedPvc(claim_name=pin.claim_name, path=pin.path, revision=pin.revision)}
