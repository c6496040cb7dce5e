"""Pushing, pulling and attaching, in a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.oci.artifact import (
    ARTIFACT_TYPE,
    CREATED,
    MODEL_TYPE,
    REPORT_TYPE,
    AttachedFile,
    attach,
    attach_report,
    files_in,
    image_of,
    pull,
    push,
    read_report,
)
from modelyard.oci.client import INDEX_TYPE, Repository
from modelyard.oci.credentials import Credentials, credentials_for
from modelyard.oci.errors import NotFound, RegistryUnauthorized, RegistryUnreachable, UnexpectedAnswer
from modelyard.oci.layers import Descriptor, layers_of
from modelyard.oci.reference import Reference
from tests.servers.ports import free_ports
from tests.servers.registry import RunningRegistry, running_registry

SECRET = "letmein"  # noqa: S105 - of a registry that lives as long as its test
READER = "reader:$2b$05$jmVUa6M23YVGU4mr1kLee.5p60zsV7OruriE/F3ilRbPLDQgNPF46"
"""A line of htpasswd for SECRET."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def repository(registry: RunningRegistry, tmp_path: Path) -> Iterator[Repository]:
    """A repository of this test's own."""
    place = Reference.parse(f"{registry.host}/{tmp_path.name.replace('_', '-').lower()}/model")
    with Repository(place, plain_http=True) as repository:
        yield repository


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files of several sizes, one of them in a folder of its own."""
    folder = tmp_path / "folder"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.onnx").write_bytes(bytes(range(256)) * 20_000)
    (folder / "config.json").write_text("{}")
    (folder / "empty").write_bytes(b"")
    return folder


def test_what_was_pushed_is_pulled_byte_for_byte(repository: Repository, folder: Path, tmp_path: Path) -> None:
    image = image_of(layers_of(folder), MODEL_TYPE)
    pushed = push(repository, image, "v1")
    assert pushed.digest == image.digest
    went: list[int] = []
    assert pull(repository, "v1", tmp_path / "pulled", went.append).digest == image.digest
    assert sum(went) == image.size
    for path in ("1/model.onnx", "config.json", "empty"):
        assert (tmp_path / "pulled" / path).read_bytes() == (folder / path).read_bytes()
    assert not list((tmp_path / "pulled").glob(".pull-*"))


def test_a_tag_that_holds_the_same_is_not_pushed_again(repository: Repository, folder: Path) -> None:
    image = image_of(layers_of(folder), MODEL_TYPE)
    push(repository, image, "v1")
    (folder / "1" / "model.onnx").unlink()  # nothing is read again either
    assert push(repository, image, "v1").digest == image.digest


def test_a_second_tag_sends_only_what_changed(repository: Repository, folder: Path) -> None:
    push(repository, image_of(layers_of(folder), MODEL_TYPE), "v1")
    (folder / "config.json").write_text('{"other": 1}')
    image = image_of(layers_of(folder), MODEL_TYPE)
    layers = {described.title: (layer, described) for layer, described in image.layers}
    layer, described = layers["1/model.onnx"]
    assert not repository.push_blob(described, layer.chunks)
    layer, described = layers["config.json"]
    assert repository.push_blob(described, layer.chunks)


def test_a_report_is_found_by_its_artifact_and_replaces_an_older_one(repository: Repository, folder: Path) -> None:
    artifact = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "k")
    assert read_report(repository, artifact.digest) is None
    attach_report(repository, artifact, b'{"first": 1}')
    attach_report(repository, artifact, b'{"second": 2}')
    assert read_report(repository, artifact.digest) == b'{"second": 2}'
    # This registry has no referrers API: the list is under the fallback tag, as the specification says.
    _, index = repository.manifest(artifact.digest.replace(":", "-"))
    assert index["mediaType"] == INDEX_TYPE
    assert len(index["manifests"]) == 1


def test_a_report_s_other_forms_lie_beside_it_under_the_names_that_pulling_gives_them(
    repository: Repository, folder: Path, tmp_path: Path
) -> None:
    artifact = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "k")
    page = AttachedFile(name="report.html", media_type="text/html", content=b"<!doctype html>")
    attached = attach_report(repository, artifact, b"{}", (page,), {CREATED: "2026-01-01T00:00:00+00:00"})
    assert pull(repository, attached.digest, tmp_path / "pulled").digest == attached.digest
    assert (tmp_path / "pulled" / "report.json").read_bytes() == b"{}"
    assert (tmp_path / "pulled" / "report.html").read_bytes() == b"<!doctype html>"
    assert attach_report(repository, artifact, b"{}", (page,), {CREATED: "2026-01-01T00:00:00+00:00"}) == attached


def test_referrers_of_other_types_stay_and_their_annotations_are_in_the_list(
    repository: Repository, folder: Path
) -> None:
    artifact = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "k")
    other = AttachedFile(name="o", media_type="application/vnd.example+json", content=b"1")
    attach(repository, artifact, "application/vnd.example", (other,), {"of": "somebody"})
    attach_report(repository, artifact, b"{}")
    attach_report(repository, artifact, b"[]")
    _, index = repository.manifest(artifact.digest.replace(":", "-"))
    assert [entry["artifactType"] for entry in index["manifests"]] == ["application/vnd.example", REPORT_TYPE]
    assert index["manifests"][0]["annotations"] == {"of": "somebody"}
    (found,) = repository.referrers(artifact.digest, "application/vnd.example")
    assert dict(found.annotations) == {"of": "somebody"}


def test_what_calls_itself_a_report_and_holds_none_is_told(repository: Repository, folder: Path) -> None:
    artifact = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "k")
    attach(repository, artifact, REPORT_TYPE, (AttachedFile(name="o", media_type="text/plain", content=b"1"),))
    with pytest.raises(UnexpectedAnswer, match="holds none; delete it"):
        read_report(repository, artifact.digest)


def test_containerd_can_mount_it_since_its_config_lists_the_layers(repository: Repository, folder: Path) -> None:
    push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "k")
    _, manifest = repository.manifest("k")
    described, layers = files_in(repository, "k")
    config = json.loads(repository.blob(Descriptor.from_json(manifest["config"])))
    assert config["rootfs"]["diff_ids"] == [layer.digest for layer in layers]
    assert described.digest


def test_what_is_not_there_is_not_found(repository: Repository) -> None:
    assert repository.resolve("nothing") is None
    with pytest.raises(NotFound, match="has no nothing"):
        repository.manifest("nothing")
    with pytest.raises(NotFound):
        pull(repository, "nothing", Path("/nowhere"))


def test_an_index_is_not_taken_for_an_artifact(repository: Repository, folder: Path) -> None:
    artifact = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "k")
    attach_report(repository, artifact, b"{}")
    with pytest.raises(UnexpectedAnswer, match="not one artifact"):
        files_in(repository, artifact.digest.replace(":", "-"))


def test_a_registry_that_is_away_is_unreachable_and_named(folder: Path) -> None:
    host = f"127.0.0.1:{free_ports(1)[0]}"
    with (
        Repository(Reference.parse(f"{host}/m"), plain_http=True) as repository,
        pytest.raises(RegistryUnreachable, match=host),
    ):
        push(repository, image_of(layers_of(folder), MODEL_TYPE), "v1")


def test_credentials_of_the_docker_configuration_let_in_and_none_or_wrong_ones_do_not(
    tmp_path: Path, folder: Path
) -> None:
    with running_registry(tmp_path / "registry", htpasswd=READER) as registry:
        place = Reference.parse(f"{registry.host}/m")
        (tmp_path / "config.json").write_text(
            json.dumps({"auths": {registry.host: {"username": "reader", "password": SECRET}}})
        )
        right = credentials_for(registry.host, tmp_path)
        with Repository(place, plain_http=True, credentials=right) as repository:
            assert push(repository, image_of(layers_of(folder), MODEL_TYPE), "v1").digest
        for wrong in (None, Credentials(username="reader", password=SECRET[::-1])):
            with (
                Repository(place, plain_http=True, credentials=wrong) as repository,
                pytest.raises(RegistryUnauthorized, match="give credentials"),
            ):
                repository.resolve("v1")
