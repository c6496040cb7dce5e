"""References name a registry, a repository and a version, and nothing is guessed."""

from __future__ import annotations

import pytest

from modelyard.oci.errors import InvalidReference
from modelyard.oci.reference import Reference

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "registry", "repository", "version"),
    [
        ("ghcr.io/org/model:v1", "ghcr.io", "org/model", "v1"),
        ("oci://localhost:5000/model", "localhost:5000", "model", "latest"),
        ("oci://localhost/a/b_c/d--e:T.1-x", "localhost", "a/b_c/d--e", "T.1-x"),
        (f"127.0.0.1:5000/m@{DIGEST}", "127.0.0.1:5000", "m", DIGEST),
        (f"registry/m:tag@{DIGEST}".replace("registry", "r:80"), "r:80", "m", DIGEST),
        ("[::1]:5000/m:x", "[::1]:5000", "m", "x"),
    ],
)
def test_a_reference_is_read_as_written(text: str, registry: str, repository: str, version: str) -> None:
    place = Reference.parse(text)
    assert (place.registry, place.repository, place.version) == (registry, repository, version)
    assert str(place) == text.removeprefix("oci://")


@pytest.mark.parametrize(
    "text",
    ["model", "org/model:v1", "ghcr.io/Upper/case", "ghcr.io/a//b", "ghcr.io/m@sha256:12", "http://x.io/m", "ghcr.io/"],
)
def test_what_names_no_registry_or_no_artifact_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(InvalidReference, match="write HOST/REPOSITORY:TAG"):
        Reference.parse(text)


def test_a_pinned_reference_forgets_its_tag() -> None:
    assert str(Reference.parse("ghcr.io/org/model:v1").at(DIGEST)) == f"ghcr.io/org/model@{DIGEST}"


def test_docker_hub_is_asked_at_the_host_that_speaks_the_protocol() -> None:
    assert Reference.parse("docker.io/library/alpine:3").api_host == "registry-1.docker.io"
    assert Reference.parse("ghcr.io/org/model").api_host == "ghcr.io"
