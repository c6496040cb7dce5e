"""Which images there are, under which public names, and from what each is built."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.settings import REPOSITORY

STAND_INS = Path(__file__).parent / "stand_ins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image. context: the build's folder; base: the short name of the image that it starts from.

    stand_in: built here in the place of a published image that can't be pulled.
    """

    name: str
    public_name: str
    dockerfile: Path | None
    context: Path
    base: str | None = None
    stand_in: bool = False


def version() -> str:
    """Return the project's version: the tag of its own images."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def catalog() -> dict[str, Image]:
    """Return every image by its short name, each after the one that it starts from."""
    return {image.name: image for image in (*_stand_ins(), *_own())}


def _stand_ins() -> tuple[Image, ...]:
    def stand_in(name: str, public_name: str, folder: str) -> Image:
        context = STAND_INS / folder
        return Image(
            name=name,
            public_name=public_name,
            dockerfile=context / "Dockerfile",
            context=context,
            base="python",
            stand_in=True,
        )

    return (
        Image(
            name="python",
            public_name="docker.io/library/python:3.11-slim-bookworm",
            dockerfile=None,  # debootstrap makes it
            context=STAND_INS,
            stand_in=True,
        ),
        stand_in("envoy", "docker.io/envoyproxy/envoy:v1.40.0", "envoy"),
        stand_in("registry", "docker.io/library/registry:2.8.2", "registry"),
        stand_in("tritonserver", "nvcr.io/nvidia/tritonserver:26.09-py3", "triton"),
    )


def _own() -> tuple[Image, ...]:
    def own(name: str, base: str) -> Image:
        return Image(
            name=name,
            public_name=f"ghcr.io/modelyard/{name}:{version()}",
            dockerfile=REPOSITORY / "images" / name / "Dockerfile",
            context=REPOSITORY,
            base=base,
        )

    return own("operator", "python"), own("runtime", "python"), own("triton", "tritonserver")
