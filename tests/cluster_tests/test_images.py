"""Which files an image is made of, and what is built when."""

from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.images.build import build_images, copied, with_bases
from tests.cluster.images.catalog import catalog
from tests.cluster.settings import Cluster


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
