"""Fetching from a registry and from a volume, and what is refused of any source."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard.contract.request import HuggingFaceFiles, ObjectStoreFiles, OciFiles, VolumeFiles
from modelyard.contract.steps import BuildReason, ExitCode, Termination
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.folder import check_whole
from modelyard_runtime.sources.digest import folder_digest
from modelyard_runtime.sources.volume import copy_from_volume
from modelyard_runtime.sources.wanted import wanted
from tests.runtime.folders import USED, files_of
from tests.runtime.steps import Steps, build_request
from tests.servers.hub import Hub
from tests.servers.registry import RunningRegistry, running_registry

USER = "reader:$2b$05$E3lfpYuUhGXy7dRtt1SGdOmBCNEZgKC6TcGUH5GzNRJQzjbrbzUVq"
"""A line of htpasswd."""


def pushed(folder: Path, registry: RunningRegistry, name: str) -> OciFiles:
    """Push a folder as users do."""
    command = ["-m", "modelyard", "push", str(folder), f"oci://{registry.host}/models/{name}:1", "--plain-http"]
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True)
    return OciFiles(ref=done.stdout.strip(), plain_http=True)


def copied(volume: Path, path: str, destination: Path) -> str:
    destination.mkdir()
    return copy_from_volume(VolumeFiles(path=path), destination, lambda _: None, mount=volume)


def test_from_a_registry_as_from_a_hub(steps: Steps, hub: Hub, registry: RunningRegistry, model: Path) -> None:
    ended = steps.run("fetch", build_request(pushed(model, registry, "minilm")))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == {name: (model / name).read_bytes() for name in USED}
    shutil.rmtree(steps.scratch)
    there = HuggingFaceFiles(repo=hub.open_repo, revision=hub.commit, endpoint=hub.endpoint)
    assert steps.run("fetch", build_request(there)).termination.source_digest == ended.termination.source_digest


def test_what_an_earlier_try_left_is_not_of_the_model(steps: Steps, model: Path) -> None:
    left = steps.scratch / "source" / "model.safetensors.index.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    ended = steps.run("fetch", build_request(ObjectStoreFiles(url=model.as_uri())))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source").keys() == set(USED)


def test_from_a_folder_of_this_machine_as_a_download_cache_has_it(steps: Steps, model: Path) -> None:
    cache = steps.folder / "a cache é"
    (cache / "blobs").mkdir(parents=True)
    (cache / "snapshot").mkdir()
    for number, name in enumerate(files_of(model)):
        blob, link = cache / "blobs" / str(number), cache / "snapshot" / name
        shutil.copyfile(model / name, blob)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(blob)
    ended = steps.run("fetch", build_request(ObjectStoreFiles(url=(cache / "snapshot").as_uri())))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == {name: (model / name).read_bytes() for name in USED}
    absent = steps.run("fetch", build_request(ObjectStoreFiles(url="file:///nowhere/at/all/")))
    assert (absent.code, absent.termination.reason) == (ExitCode.REFUSED, BuildReason.SOURCE_NOT_FOUND)
    assert "there is no folder /nowhere/at/all on this machine" in absent.termination.message


def test_tag_that_is_not_there(steps: Steps, registry: RunningRegistry) -> None:
    ended = steps.run("fetch", build_request(OciFiles(ref=f"{registry.host}/models/absent:1", plain_http=True)))
    assert ended.termination.reason is BuildReason.SOURCE_NOT_FOUND, ended.log
    assert ended.code == ExitCode.REFUSED
    assert "models/absent" in ended.termination.message
    assert "spec.source.oci.ref" in ended.termination.message


def test_registry_that_asks_for_a_secret(steps: Steps, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry", htpasswd=USER) as registry:
        ended = steps.run("fetch", build_request(OciFiles(ref=f"{registry.host}/models/m:1", plain_http=True)))
    assert ended.termination.reason is BuildReason.SOURCE_UNAUTHORIZED, ended.log
    assert ended.code == ExitCode.REFUSED
    assert "pullSecretRef" in ended.termination.message


def test_weights_that_were_cut_short(steps: Steps, registry: RunningRegistry, model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    ended = steps.run("fetch", build_request(pushed(folder, registry, "cut")))
    assert ended.termination.reason is BuildReason.SOURCE_INVALID, ended.log
    assert ended.code == ExitCode.REFUSED
    assert "model.safetensors" in ended.termination.message


def test_from_a_volume(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "volume" / "models" / "m")
    copied(tmp_path / "volume", "models/m", tmp_path / "got")
    assert files_of(tmp_path / "got") == {name: (model / name).read_bytes() for name in USED}


def test_a_download_cache_on_a_volume_has_links(model: Path, tmp_path: Path) -> None:
    """As Hugging Face's cache has them: snapshots of links to blobs beside them."""
    volume = tmp_path / "volume"
    shutil.copytree(model, volume / "blobs")
    for name in USED:
        link = volume / "snapshots" / "1" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(volume / "blobs" / name)
    copied(volume, "snapshots/1", tmp_path / "got")
    assert folder_digest(tmp_path / "got")[1] == sum((model / name).stat().st_size for name in USED)
    assert not any(path.is_symlink() for path in (tmp_path / "got").rglob("*"))


def test_a_link_out_of_the_volume_is_refused(model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "volume")
    (folder / "vocab.txt").unlink()
    (folder / "vocab.txt").symlink_to("/etc/hostname")
    with pytest.raises(BuildFailed, match="leads out of the volume") as failed:
        copied(folder, "", tmp_path / "got")
    assert failed.value.reason is BuildReason.SOURCE_INVALID


@pytest.mark.parametrize("path", ["absent", "vocab.txt"])
def test_a_path_that_is_no_folder(model: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(BuildFailed, match=path) as failed:
        copied(model, path, tmp_path / "got")
    assert failed.value.reason is BuildReason.SOURCE_NOT_FOUND


def test_pickled_weights_only_where_there_are_no_others() -> None:
    shards = [f"pytorch_model-0000{i}-of-00002.bin" for i in (1, 2)]
    pickled = [*shards, "pytorch_model.bin.index.json"]
    assert set(wanted([*pickled, "config.json"])) == {*pickled, "config.json"}
    assert wanted([*pickled, "model.safetensors"]) == ["model.safetensors"]


@pytest.mark.parametrize(
    ("lacking", "told"),
    [("config.json", "config.json"), ("tokenizer.json", "tokenizer"), ("model.safetensors", "weights")],
)
def test_a_folder_that_is_no_whole_model(model: Path, tmp_path: Path, lacking: str, told: str) -> None:
    for name in set(USED) - {lacking, "vocab.txt"}:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(model / name, tmp_path / name)
    with pytest.raises(BuildFailed, match=told) as failed:
        check_whole(tmp_path)
    assert failed.value.reason is BuildReason.SOURCE_INVALID


def test_the_digest_is_over_paths_sizes_and_contents(model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model, tmp_path / "copy")
    digest, size = folder_digest(model)
    assert folder_digest(copy) == (digest, size)
    (copy / "vocab.txt").rename(copy / "vocab2.txt")
    assert folder_digest(copy)[0] != digest


def test_a_step_of_another_version_says_so(steps: Steps) -> None:
    (steps.folder / "request.json").write_text('{"name": "m", "unheardOf": 1}')
    ended = steps.run_as_it_is("fetch")
    assert ended.code == ExitCode.REFUSED
    assert isinstance(ended.termination, Termination)
    assert "one version" in ended.termination.message
