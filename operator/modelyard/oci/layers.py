"""One deterministic, uncompressed tar layer a file: equal files give equal digests, wherever they are pushed from."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelyard.oci.errors import UnexpectedAnswer

CHUNK = 1 << 20
BLOCK = 512
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a manifest says of a blob or of another manifest. size in bytes."""

    media_type: str
    digest: str
    size: int
    artifact_type: str | None = None
    annotations: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return it as the registry's JSON."""
        described: dict[str, object] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.artifact_type:
            described["artifactType"] = self.artifact_type
        if self.annotations:
            described["annotations"] = dict(self.annotations)
        return described

    @classmethod
    def from_json(cls, described: dict[str, object]) -> Descriptor:
        """Read the registry's JSON."""
        annotations = described.get("annotations") or {}
        if not isinstance(annotations, dict):
            message = "a descriptor's annotations are no object"
            raise UnexpectedAnswer(message)
        artifact_type = described.get("artifactType")
        return cls(
            media_type=str(described["mediaType"]),
            digest=str(described["digest"]),
            size=int(str(described["size"])),
            artifact_type=str(artifact_type) if artifact_type else None,
            annotations=tuple(sorted(annotations.items())),
        )

    @property
    def title(self) -> str | None:
        """Return the path that the blob is a file of."""
        return dict(self.annotations).get(TITLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLayer:
    """A file as a layer: ``path`` within the image, ``source`` on disk."""

    path: str
    source: Path

    def chunks(self) -> Iterator[bytes]:
        """Yield the layer's bytes. Owner, mode and time are fixed: they would differ from one machine to the next."""
        header = tarfile.TarInfo(self.path)
        header.size = self.source.stat().st_size
        header.mode = 0o644
        # Further headers only where the first has no room for a long path or more than 8 GiB.
        yield header.tobuf(tarfile.PAX_FORMAT)
        with self.source.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
        yield bytes(-header.size % BLOCK + 2 * BLOCK)

    def descriptor(self) -> Descriptor:
        """Read the file once and return what the manifest says of its layer."""
        digest, size = hashlib.sha256(), 0
        for chunk in self.chunks():
            digest.update(chunk)
            size += len(chunk)
        return Descriptor(
            media_type=LAYER_TYPE,
            digest=f"sha256:{digest.hexdigest()}",
            size=size,
            annotations=((TITLE, self.path),),
        )


def layers_of(folder: Path) -> list[FileLayer]:
    """Return the layers of a folder's files, sorted by path."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [FileLayer(path=path, source=folder / path) for path in paths]


def unpack(layer: Path, destination: Path) -> list[Path]:
    """Write the files of a tar layer below ``destination`` and return them. Nothing is written outside of it.

    By hand: the filters of ``tarfile`` came with Python 3.11.4, and Debian's is older.
    """
    written = []
    with tarfile.open(layer) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            path = (destination / member.name).resolve()
            if not path.is_relative_to(destination.resolve()):
                message = f"a layer holds the file {member.name!r}, which is outside of the folder"
                raise UnexpectedAnswer(message)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file, CHUNK)
            written.append(destination / member.name)
    return written
