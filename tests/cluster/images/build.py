"""Build what changed, push it to the mirror, and write down the digests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tests.cluster.images import debian
from tests.cluster.images.buildah import Buildah
from tests.cluster.images.catalog import ROOT, Image, catalog

Say = Callable[[str], None]


def wheel_folders() -> tuple[Path, ...]:
    """Return the folders with wheels that are at hand: PIP_FIND_LINKS, and ``shared/wheels`` beside the checkout."""
    named = [Path(item) for item in os.environ.get("PIP_FIND_LINKS", "").split()]
    beside = ROOT.parent / "shared" / "wheels"
    return tuple(dict.fromkeys(folder.resolve() for folder in (*named, beside) if any(folder.glob("*.whl"))))


def build_images(
    names: Iterable[str], *, mirror: str, cache: Path, record: Path, say: Say = print
) -> Mapping[str, str]:
    """Build and push the images of these short names (none: all) with what they start from.

    mirror is ``host:port`` of a registry of plain HTTP. Returns ``public-name@digest`` by short name, also written to
    ``record``. Raises RuntimeError with the end of the failed command's output.
    """
    images = catalog()
    wanted = _with_bases(tuple(names) or tuple(images), images)
    buildah = Buildah(cache=cache / "images", wheels=wheel_folders())
    buildah.cache.mkdir(parents=True, exist_ok=True)
    pushed: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    for image in wanted:
        identity = _built(image, buildah, say)
        if image.name in pushed and _is_in(mirror, pushed[image.name]) == identity:
            continue
        path = image.public_name.split("/", maxsplit=1)[1]
        digest = buildah.push(_tag(image.name), f"{mirror}/{path}")
        pushed[image.name] = f"{image.public_name}@{digest}"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(pushed, indent=2) + "\n")
        say(f"image {image.name}: pushed {pushed[image.name]}")
    return pushed


def _tag(name: str) -> str:
    return f"localhost/{name}"


def _built(image: Image, buildah: Buildah, say: Say) -> str:
    """Build ``image`` unless the storage has it, made from the same inputs. Return its identity."""
    note = buildah.cache / f"{image.name}.json"
    inputs = _inputs_digest(image, buildah)
    if note.exists() and json.loads(note.read_text()) == {
        "inputs": inputs,
        "id": buildah.identity(_tag(image.name)),
    }:
        return str(json.loads(note.read_text())["id"])
    started = time.monotonic()
    say(f"image {image.name}: building")
    with tempfile.TemporaryDirectory(dir=buildah.cache) as work:
        if image.dockerfile is None:
            debian.build(buildah, _tag(image.name), Path(work))
        else:
            base = {"BASE": _tag(image.base)} if image.base else {}
            context = _context(image, Path(work))
            buildah.build(dockerfile=image.dockerfile, context=context, tag=_tag(image.name), arguments=base)
    identity = buildah.identity(_tag(image.name))
    note.write_text(json.dumps({"inputs": inputs, "id": identity}))
    say(f"image {image.name}: built in {time.monotonic() - started:.0f} s")
    return str(identity)


def _context(image: Image, work: Path) -> Path:
    """Return the build's folder, a copy where files of this machine belong in it."""
    if not image.host_files:
        return image.context
    copy = Path(shutil.copytree(image.context, work / "context"))
    for file in image.host_files:
        shutil.copy2(file, copy / file.name)
    return copy


def _with_bases(names: Iterable[str], images: Mapping[str, Image]) -> tuple[Image, ...]:
    wanted: set[str] = set()
    for name in names:
        if name not in images:
            message = f"there is no image {name!r}; there are {', '.join(images)}"
            raise RuntimeError(message)
        current: str | None = name
        while current is not None:
            wanted.add(current)
            current = images[current].base
    return tuple(image for image in images.values() if image.name in wanted)


def _inputs_digest(image: Image, buildah: Buildah) -> str:
    """Return the sha256 over the Dockerfile, the files that it copies, and the image that it starts from."""
    total = hashlib.sha256()
    if image.base:
        total.update(str(buildah.identity(_tag(image.base))).encode())
    files = [*_copied_files(image), *image.host_files] if image.dockerfile else [Path(debian.__file__)]
    for file in files:
        total.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _copied_files(image: Image) -> Iterator[Path]:
    assert image.dockerfile is not None
    yield image.dockerfile
    for line in image.dockerfile.read_text().splitlines():
        words = [word for word in line.split() if not word.startswith("--chown") and not word.startswith("--chmod")]
        if words[:1] != ["COPY"] or words[1].startswith("--from"):
            continue
        for source in words[1:-1]:
            for path in sorted(image.context.glob(source)):
                yield from (path,) if path.is_file() else _code_below(path)


def _code_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _is_in(mirror: str, ref: str) -> str | None:
    """Return the identity (the configuration's digest) of the image that the mirror has under ``ref``, or None."""
    import httpx  # noqa: PLC0415 - the cluster comes up without it

    name, digest = ref.rsplit("@", 1)
    path = name.split("/", maxsplit=1)[1].rsplit(":", 1)[0]
    types = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    answer = httpx.get(f"http://{mirror}/v2/{path}/manifests/{digest}", headers={"Accept": types})
    return str(answer.json()["config"]["digest"]) if answer.is_success else None
