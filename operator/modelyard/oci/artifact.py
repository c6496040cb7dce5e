"""Whole artifacts: a folder's files pushed as an image, pulled back, and a report attached.

An image whose config lists its layers' digests can be mounted by containerd as a volume, and any registry, scanner
and node cache takes it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from modelyard.oci.client import INDEX_TYPE, MANIFEST_TYPE, Repository, digest_of
from modelyard.oci.errors import UnexpectedAnswer
from modelyard.oci.layers import TITLE, Descriptor, FileLayer, unpack

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"

ARTIFACT_TYPE = "application/vnd.modelyard.artifact.v1"
MODEL_TYPE = "application/vnd.modelyard.model.v1"
REPORT_TYPE = "application/vnd.modelyard.report.v1+json"
CREATED = "org.opencontainers.image.created"

Advance = Callable[[int], None]
"""Told of every so many bytes that went over the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An artifact as its manifest says, before it is pushed: equal files give an equal ``digest``."""

    artifact_type: str
    layers: tuple[tuple[FileLayer, Descriptor], ...]
    config: bytes
    manifest: dict[str, Any]

    @property
    def digest(self) -> str:
        """Return the manifest's digest."""
        return digest_of(json.dumps(self.manifest, sort_keys=True, separators=(",", ":")).encode())

    @property
    def size(self) -> int:
        """Return the sum of the layers, in bytes."""
        return sum(described.size for _, described in self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A small file of a referrer. ``name`` is the one it gets when the referrer is pulled."""

    name: str
    media_type: str
    content: bytes


def image_of(files: Sequence[FileLayer], artifact_type: str, *, architecture: str = "amd64") -> Image:
    """Read every file once and return the image."""
    layers = tuple((layer, layer.descriptor()) for layer in files)
    config = json.dumps(
        {
            "architecture": architecture,
            "config": {},
            "os": "linux",
            "rootfs": {"diff_ids": [described.digest for _, described in layers], "type": "layers"},
        },
        sort_keys=True,
        separators=(",", ":"),
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": Descriptor(media_type=CONFIG_TYPE, digest=digest_of(config), size=len(config)).to_json(),
        "layers": [described.to_json() for _, described in layers],
    }
    return Image(artifact_type=artifact_type, layers=layers, config=config, manifest=manifest)


def push(repository: Repository, image: Image, tag: str, advance: Advance = lambda _: None) -> Descriptor:
    """Push what the registry lacks of an image, its manifest last, so that a tag never names half an artifact."""
    present = repository.resolve(tag)
    if present and present.digest == image.digest:
        advance(image.size)
        return present
    for layer, described in image.layers:
        if not repository.push_blob(described, partial(_counted, layer, advance)):
            advance(described.size)
    _push_bytes(repository, image.config, CONFIG_TYPE)
    return repository.push_manifest(image.manifest, tag)[0]


def attach(
    repository: Repository,
    subject: Descriptor,
    artifact_type: str,
    files: Sequence[AttachedFile],
    annotations: Mapping[str, str] | None = None,
) -> Descriptor:
    """Attach files to an artifact as one referrer, in place of an older one of its type. Equal files: equal digest."""
    layers = [_push_bytes(repository, file.content, file.media_type, {TITLE: file.name}) for file in files]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": _push_bytes(repository, EMPTY, EMPTY_TYPE).to_json(),
        "layers": [layer.to_json() for layer in layers],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
    }
    return repository.attach(manifest | ({"annotations": dict(annotations)} if annotations else {}))


def attach_report(
    repository: Repository,
    subject: Descriptor,
    report: bytes,
    renderings: Sequence[AttachedFile] = (),
    annotations: Mapping[str, str] | None = None,
) -> Descriptor:
    """Attach a report, with what people read of it in further layers, so that one can't be there without the other."""
    files = [AttachedFile(name="report.json", media_type=REPORT_TYPE, content=report), *renderings]
    return attach(repository, subject, REPORT_TYPE, files, annotations)


def read_report(repository: Repository, digest: str) -> bytes | None:
    """Return the report attached to the artifact of this digest, the latest if there are several, None without one."""
    found = repository.referrers(digest, REPORT_TYPE)
    if not found:
        return None
    latest = max(found, key=lambda described: dict(described.annotations).get(CREATED, ""))
    _, manifest = repository.manifest(latest.digest)
    for layer in map(Descriptor.from_json, manifest["layers"]):
        if layer.media_type == REPORT_TYPE:
            return repository.blob(layer)
    where = f"{repository.place.registry}/{repository.place.repository}@{latest.digest}"
    message = f"{where} calls itself a report and holds none; delete it, and build again"
    raise UnexpectedAnswer(message)


def files_in(repository: Repository, version: str) -> tuple[Descriptor, list[Descriptor]]:
    """Return an artifact's own descriptor and its layers, each with the path of its file.

    Raises UnexpectedAnswer for an index of several images and for layers that name no file.
    """
    described, manifest = repository.manifest(version)
    where = f"{repository.place.registry}/{repository.place.repository}@{described.digest}"
    if described.media_type == INDEX_TYPE or "layers" not in manifest:
        message = f"{where} is {described.media_type}, not one artifact; name one of its manifests by digest"
        raise UnexpectedAnswer(message)
    layers = [Descriptor.from_json(layer) for layer in manifest["layers"]]
    if not layers or any(layer.title is None for layer in layers):
        message = f"{where} has layers that name no file; push the folder with `modelyard push FOLDER oci://...`"
        raise UnexpectedAnswer(message)
    return described, layers


def pull_file(
    repository: Repository, layer: Descriptor, destination: Path, advance: Advance = lambda _: None
) -> list[Path]:
    """Write the file of one layer below ``destination``: out of its tar, or as it is if it was pushed plainly."""
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination, prefix=".pull-") as scratch:
        blob = Path(scratch) / "blob"
        repository.download(layer, blob, advance)
        if layer.media_type.endswith(".tar"):
            return unpack(blob, destination)
        path = (destination / str(layer.title)).resolve()
        if not path.is_relative_to(destination.resolve()):
            message = f"a layer names the file {layer.title!r}, which is outside of the folder"
            raise UnexpectedAnswer(message)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(blob, path)
        return [path]


def pull(repository: Repository, version: str, destination: Path, advance: Advance = lambda _: None) -> Descriptor:
    """Write every file of an artifact below ``destination`` and return the artifact's descriptor."""
    described, layers = files_in(repository, version)
    for layer in layers:
        pull_file(repository, layer, destination, advance)
    return described


def _push_bytes(
    repository: Repository, content: bytes, media_type: str, annotations: Mapping[str, str] | None = None
) -> Descriptor:
    described = Descriptor(
        media_type=media_type,
        digest=digest_of(content),
        size=len(content),
        annotations=tuple(sorted((annotations or {}).items())),
    )
    repository.push_blob(described, lambda: iter([content]))
    return described


def _counted(layer: FileLayer, advance: Advance) -> Iterator[bytes]:
    for chunk in layer.chunks():
        advance(len(chunk))
        yield chunk
