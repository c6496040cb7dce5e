"""Builds without a cluster: what is read, where files are, and what is said when it can't be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.api.model import OptimizedModelSpec
from modelyard.api.source import Source
from modelyard.cli import main
from modelyard.contract.dataset import FEWEST
from modelyard.contract.request import AdapterFiles, HuggingFaceFiles, ObjectStoreFiles, OciFiles
from modelyard.local.build import NotPossible, read_built, request_of
from modelyard.local.dataset import NoDataset, dataset_in
from modelyard.local.inputs import Inputs, inputs_of
from modelyard.local.manifest import BadManifest, read_manifest
from modelyard.local.source import NoSource, located, of_folder
from modelyard.oci.artifact import MODEL_TYPE, image_of, push
from modelyard.oci.client import Repository
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference
from tests.runtime.folders import model_folder
from tests.servers.hub import Hub, running_hub
from tests.servers.registry import RunningRegistry, running_registry

MODEL = """
apiVersion: modelyard.dev/v1alpha1
kind: OptimizedModel
metadata: {name: minilm}
spec:
  source: {huggingFace: {repo: org/name}}
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with running_hub(model_folder(tmp_path / "model"), address="127.0.0.1") as hub:
        yield hub


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


def source(**member: object) -> Source:
    return OptimizedModelSpec.model_validate({"source": member}).source


def test_the_model_of_a_file_is_found_among_other_objects(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text("apiVersion: v1\nkind: Secret\n---" + MODEL)
    model = read_manifest(file)
    assert (model.name, model.spec.source.hugging_face and model.spec.source.hugging_face.repo) == (
        "minilm",
        "org/name",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: OptimizedModel", "holds 0 objects of kind OptimizedModel"),
        (MODEL + "---" + MODEL, "holds 2 objects"),
        ("a: [", "is no YAML"),
        (MODEL + "  optimisation: {}", "spec.optimisation: Extra inputs"),
        (MODEL + "  task: Singing", "spec.task: Input should be 'Auto'"),
        (MODEL + "  gates: {dataset: {configMapRef: {name: t, key: ../t.txt}}}", "name a key that ends in .txt"),
        (MODEL.replace("}}", "}, mergeAdapters: [{name: a}, {name: a}]}"), "two adapters have one name"),
    ],
)
def test_a_file_that_holds_no_model_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(text)
    with pytest.raises(BadManifest, match=says):
        read_manifest(file)


def test_a_branch_is_pinned_to_its_commit_with_the_token_of_whoever_builds(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    files = located(source(hugging_face={"repo": hub.gated_repo}), plain_http=False).files
    assert files == HuggingFaceFiles(repo=hub.gated_repo, revision=hub.commit, endpoint=hub.endpoint)


def test_a_tag_is_pinned_to_its_digest(registry: RunningRegistry, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    with Repository(Reference.parse(f"{registry.host}/models/m"), plain_http=True) as repository:
        digest = push(repository, image_of(layers_of(folder), MODEL_TYPE), "v1").digest
    files = located(source(oci={"ref": f"{registry.host}/models/m:v1"}), plain_http=True).files
    assert files == OciFiles(ref=f"{registry.host}/models/m@{digest}", plain_http=True)
    with pytest.raises(NoSource, match="modelyard push"):
        located(source(oci={"ref": f"{registry.host}/models/m:absent"}), plain_http=True)
    with pytest.raises(NoSource, match="--plain-http"):
        located(source(oci={"ref": "127.0.0.1:1/models/m:v1"}), plain_http=False)


def test_a_repository_that_is_not_there_says_where_the_token_comes_from(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(NoSource, match=r"nobody/nothing.*HF_TOKEN"):
        located(source(hugging_face={"repo": "nobody/nothing"}), plain_http=False)


@pytest.mark.parametrize(
    ("member", "says"),
    [({"pvc": {"claimName": "models"}}, "file:///FOLDER/"), ({}, "exactly one member")],
)
def test_a_source_that_a_machine_alone_has_not(member: dict[str, object], says: str) -> None:
    with pytest.raises(NoSource, match=says):
        located(source(**member), plain_http=False)


def test_your_texts_stand_in_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    texts = "\n".join(f"    text {number}" for number in range(FEWEST))
    config_map = f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: t}}\ndata:\n  t.txt: |\n{texts}\n"
    gates = "  gates: {dataset: {configMapRef: {name: t, key: t.txt}}}\n"
    file.write_text(MODEL + gates + config_map)
    model = read_manifest(file)
    found = dataset_in(model, file)
    assert found is not None
    assert found.data.decode().splitlines()[:2] == ["text 0", "text 1"]
    request = request_of(model.spec, Inputs(source=of_folder(tmp_path), dataset=found))
    assert request.dataset is not None
    assert len(request.dataset.texts(found.data)) == FEWEST
    assert request.key != request_of(model.spec, Inputs(source=of_folder(tmp_path))).key
    file.write_text(MODEL + gates)
    with pytest.raises(NoDataset, match=r"there is no ConfigMap t in .*model\.yaml; create it with the key t\.txt"):
        dataset_in(read_manifest(file), file)
    file.write_text(MODEL)
    assert dataset_in(read_manifest(file), file) is None


def test_adapters_lie_where_the_manifest_says(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    model, adapter = f"objectStore: {{url: '{tmp_path.as_uri()}/model/'}}", f"{tmp_path.as_uri()}/support/"
    requests = []
    for merging in ("", f", mergeAdapters: [{{name: support, scale: 0.5, objectStore: {{url: '{adapter}'}}}}]"):
        file.write_text(MODEL.replace("huggingFace: {repo: org/name}", model + merging))
        manifest = read_manifest(file)
        requests.append(request_of(manifest.spec, inputs_of(manifest, file, plain_http=False)))
    alone, merged = requests
    assert merged.adapters == (AdapterFiles(name="support", scale=0.5, files=ObjectStoreFiles(url=adapter)),)
    assert (merged.source, merged.key != alone.key) == (alone.source, True)


def test_nothing_that_is_there_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(MODEL)
    assert main(["build", "-f", str(file), "-o", str(tmp_path)]) == 1
    assert "nothing in it is overwritten; name another folder" in capsys.readouterr().err


def test_the_folder_where_one_is_may_be_the_result_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    file = tmp_path / "model.yaml"
    absent = MODEL.replace("huggingFace: {repo: org/name}", f"objectStore: {{url: '{tmp_path.as_uri()}/absent/'}}")
    file.write_text(absent)
    assert main(["build", "-f", str(file), "-o", "."]) == 1
    assert f"there is no folder {tmp_path}/absent" in capsys.readouterr().err


def test_a_folder_that_no_build_wrote(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match=r"has no report.json"):
        read_built(tmp_path)
