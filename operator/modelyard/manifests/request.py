"""What a build asks of its pod, from the ModelBuild's spec."""

from __future__ import annotations

from modelyard.api.build import ModelBuildSpec, PinnedFiles
from modelyard.contract.choices import Candidate
from modelyard.contract.dataset import DatasetFile
from modelyard.contract.request import (
    AdapterFiles,
    BuildRequest,
    Destination,
    HuggingFaceFiles,
    ObjectStoreFiles,
    OciFiles,
    ParityGate,
    Shapes,
    SourceFiles,
    VolumeFiles,
)
from modelyard.naming import build_name


def build_request(spec: ModelBuildSpec) -> BuildRequest:
    """Return the request."""
    return BuildRequest(
        name=build_name(spec.key),
        key=spec.key,
        source=_files(spec.source),
        adapters=tuple(AdapterFiles(name=a.name, scale=a.scale, files=_files(a)) for a in spec.adapters),
        task=spec.task,
        candidates=tuple(Candidate(engine=c.engine, precision=c.precision) for c in spec.candidates),
        objective=spec.objective,
        shapes=Shapes.model_validate(spec.shapes.to_dict()),
        parity=ParityGate.model_validate(spec.parity.to_dict() if spec.parity else {}),
        dataset=_dataset(spec),
        destination=Destination.model_validate(spec.destination.to_dict()),
        images=spec.images.to_dict(),
    )


def _dataset(spec: ModelBuildSpec) -> DatasetFile | None:
    if spec.dataset is None:
        return None
    where = spec.dataset.config_map_ref
    return DatasetFile(config_map=where.name, key=where.key, column=spec.dataset.column, digest=spec.dataset.digest)


def _files(source: PinnedFiles) -> SourceFiles:
    """Return where ``fetch`` reads. The API server saw to it that there is exactly one source."""
    if source.hugging_face:
        hub = source.hugging_face
        return HuggingFaceFiles(repo=hub.repo, revision=hub.revision, endpoint=hub.endpoint)
    if source.oci:
        return OciFiles(ref=source.oci.ref, plain_http=source.oci.plain_http)
    if source.object_store:
        folder = source.object_store
        return ObjectStoreFiles(url=folder.url, revision=folder.revision, endpoint=folder.endpoint)
    claim = source.pvc
    if claim is None:
        raise ValueError("a build without a source: the API server refuses it")
    return VolumeFiles(path=claim.path, revision=claim.revision)
