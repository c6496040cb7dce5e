"""Build what changed, push it to the cluster's mirror, and write down the digests."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.cluster import mirror
from tests.cluster.console import step
from tests.cluster.errors import ClusterError
from tests.cluster.images import debian
from tests.cluster.images.buildah import Buildah
from tests.cluster.images.catalog import Image, catalog
from tests.cluster.locks import locked
from tests.cluster.settings import REPOSITORY, Cluster


def wheel_folders() -> tuple[Path, ...]:
    """Return the folders with wheels that pip may look into first: PIP_FIND_LINKS, and `../shared/wheels`."""
    named = [Path(item) for item in os.environ.get("PIP_FIND_LINKS", "").split()]
    beside = REPOSITORY.parent / "shared" / "wheels"
    return tuple(dict.fromkeys(folder.resolve() for folder in (*named, beside) if any(folder.glob("*.whl"))))


def build_images(cluster: Cluster, names: Iterable[str] = ()) -> Mapping[str, str]:
    """Build and push the images of these short names (none: all) with what they start from.

    Returns `public-name@digest` by short name; it is also written to images.json in the cluster's folder. Raises
    ClusterError with the end of a failed command's output.
    """
    images = catalog()
    wanted = with_bases(tuple(names) or tuple(images), images)
    folder = cluster.cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    mirror.ensure_on_host(cluster)
    with locked(folder / "lock"):
        buildah = Buildah(cache=folder, wheels=wheel_folders())
        buildah.tidy()
        pushed = {image.name: _pushed(cluster, image, buildah) for image in wanted}
    record = cluster.folder / "images.json"
    known: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    record.write_text(json.dumps({**known, **pushed}, indent=2) + "\n")
    return pushed


def _pushed(cluster: Cluster, image: Image, buildah: Buildah) -> str:
    """Have the image in the mirror; return its public name with its digest."""
    identity = _built(image, buildah)
    name, _, tag = mirror.repository(cluster, image.public_name).rpartition(":")
    found = mirror.image(cluster, name, tag)
    if found is None or found.identity != identity:
        stand_in = " (a stand-in: see tests/cluster/images/README.md)" if image.stand_in else ""
        with step(f"image {image.name}: pushing as {image.public_name}{stand_in}"):
            buildah.push(_tag(image.name), f"{cluster.mirror}/{name}:{tag}")
        found = mirror.image(cluster, name, tag)
    if found is None:
        raise ClusterError(f"{image.public_name} was pushed and is not in the mirror", fix="see log/mirror.log")
    return f"{image.public_name}@{found.digest}"


def _tag(name: str) -> str:
    return f"localhost/{name}"


def _built(image: Image, buildah: Buildah) -> str:
    """Build `image` unless the storage has it, made from the same inputs. Return its identity."""
    note = buildah.cache / f"{image.name}.json"
    inputs = _inputs_digest(image, buildah)
    identity = buildah.identity(_tag(image.name))
    if note.exists() and json.loads(note.read_text()) == {"inputs": inputs, "id": identity}:
        return str(identity)
    with step(f"image {image.name}: building"), tempfile.TemporaryDirectory(dir=buildah.cache) as work:
        if image.dockerfile is None:
            debian.build(buildah, _tag(image.name), Path(work))
        else:
            base = {"BASE": _tag(image.base)} if image.base else {}
            buildah.build(dockerfile=image.dockerfile, context=image.context, tag=_tag(image.name), arguments=base)
    identity = buildah.identity(_tag(image.name))
    note.write_text(json.dumps({"inputs": inputs, "id": identity}))
    return str(identity)


def with_bases(names: Iterable[str], images: Mapping[str, Image]) -> tuple[Image, ...]:
    """Return the named images with all that they start from, in the order of building."""
    wanted: set[str] = set()
    for name in names:
        if name not in images:
            raise ClusterError(f"there is no image {name!r}", fix=f"ask for one of {', '.join(images)}")
        current: str | None = name
        while current is not None:
            wanted.add(current)
            current = images[current].base
    return tuple(image for image in images.values() if image.name in wanted)


def _inputs_digest(image: Image, buildah: Buildah) -> str:
    """Return the sha256 over the Dockerfile, the files that it copies, and the image that it starts from."""
    total = hashlib.sha256()
    if image.dockerfile is None:
        total.update(debian.inputs().encode())
    if image.base:
        total.update(str(buildah.identity(_tag(image.base))).encode())
    for file in _inputs(image):
        name = file.relative_to(image.context) if file.is_relative_to(image.context) else file.name
        mode = "x" if file.stat().st_mode & 0o111 else "-"
        total.update(f"{name} {mode} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _inputs(image: Image) -> Iterator[Path]:
    if image.dockerfile is None:
        return
    if not image.dockerfile.exists():
        raise ClusterError(f"image {image.name}: there is no {image.dockerfile}", fix="restore it from git")
    yield image.dockerfile
    for source in copied(image.dockerfile):
        for path in sorted(image.context.glob(source)):
            yield from (path,) if path.is_file() else _code_below(path)


def copied(dockerfile: Path) -> Iterator[str]:
    """Yield what the COPY lines take from the context (relative paths or patterns)."""
    for line in dockerfile.read_text().replace("\\\n", " ").splitlines():
        words = line.split()
        flags = [word for word in words if word.startswith("--")]
        if words[:1] == ["COPY"] and not any(flag.startswith("--from") for flag in flags):
            yield from [word for word in words[1:-1] if word not in flags]


def _code_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
