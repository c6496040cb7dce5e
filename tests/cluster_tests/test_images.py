"""Which files an image is made of, and what is built when."""

import zlib
from pathlib import Path

import httpx
import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.images.build import build_images, copied, with_bases
from tests.cluster.images.catalog import catalog
from tests.cluster.mirror import MANIFEST_TYPES, repository
from tests.cluster.settings import Cluster, cluster_from_environment

OPERATOR_BYTES = 300e6


def test_an_image_brings_what_it_starts_from_first() -> None:
    assert [image.name for image in with_bases(["triton"], catalog())] == ["python", "tritonserver", "triton"]


def test_an_unknown_image_is_told_the_known_ones(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="no image 'operater'") as error:
        build_images(cluster, ["operater"])
    assert "operator" in error.value.fix


def test_only_what_comes_from_the_context_counts(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(
        "FROM base AS first\n"
        "COPY locks/operator.txt /lock.txt\n"
        "COPY --chown=1:1 operator/modelyard \\\n  pyproject.toml /code/\n"
        "COPY --from=first /a /b\n"
        "RUN echo COPY this that\n"
    )
    assert list(copied(dockerfile)) == ["locks/operator.txt", "operator/modelyard", "pyproject.toml"]


def test_every_image_has_a_dockerfile_or_is_bootstrapped() -> None:
    assert [image.name for image in catalog().values() if image.dockerfile is None] == ["python"]
    assert all(image.dockerfile.exists() for image in catalog().values() if image.dockerfile)


@pytest.mark.cluster
def test_the_operator_s_image_stays_small() -> None:
    """Unpacked, as it lies on a node: a heavy dependency would be in every serving pod, whose init container it is."""
    cluster = cluster_from_environment()
    name, _, tag = repository(cluster, catalog()["operator"].public_name).rpartition(":")
    with httpx.Client(base_url=f"http://{cluster.mirror}/v2/{name}", trust_env=False) as mirror:
        found = mirror.get(f"/manifests/{tag}", headers={"Accept": ", ".join(MANIFEST_TYPES)})
        layers = found.raise_for_status().json()["layers"]
        assert sum(unpacked_bytes(mirror, layer["digest"]) for layer in layers) < OPERATOR_BYTES


def unpacked_bytes(mirror: httpx.Client, digest: str) -> int:
    """Return how much a layer is once it is unpacked, whether or not the registry keeps it packed."""
    with mirror.stream("GET", f"/blobs/{digest}") as blob:
        blob.raise_for_status()
        chunks = blob.iter_raw()
        first = next(chunks)
        if not first.startswith(b"\x1f\x8b"):
            return len(first) + sum(map(len, chunks))
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return len(unpack.decompress(first)) + sum(len(unpack.decompress(chunk)) for chunk in chunks)
