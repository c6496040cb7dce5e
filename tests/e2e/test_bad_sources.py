"""Sources that can't be built from: each condition names the reason, and its message says the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from tests.e2e.hub import Hub
from tests.e2e.kit import Push
from tests.e2e.models import with_config, with_truncated_weights
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


def hugging_face(repo: str, **fields: object) -> Object:
    """Return a source on the tests' own hub."""
    return {"huggingFace": {"repo": repo, **fields}}


@pytest.mark.usefixtures("hub")
def test_repository_not_found(yard: Yard) -> None:
    yard.submit("m", hugging_face("nobody/nothing"))
    assert "nobody/nothing" in yard.told("m", "SourceNotFound")


def test_branch_not_found(yard: Yard, hub: Hub) -> None:
    yard.submit("m", hugging_face(hub.open_repo, revision="no-such-branch"))
    assert "no-such-branch" in yard.told("m", "SourceNotFound")


def test_gated_without_a_token(yard: Yard, hub: Hub) -> None:
    yard.submit("m", hugging_face(hub.gated_repo))
    assert "tokenSecretRef" in yard.told("m", "SourceUnauthorized")


def test_token_that_the_hub_refuses(yard: Yard, hub: Hub) -> None:
    yard.cluster.run("create", "secret", "generic", "hf", "--from-literal=token=hf_wrong")
    yard.submit("m", hugging_face(hub.gated_repo, tokenSecretRef={"name": "hf"}))
    assert "token" in yard.told("m", "SourceUnauthorized")


def test_secret_that_is_not_there(yard: Yard, hub: Hub) -> None:
    yard.submit("m", hugging_face(hub.gated_repo, tokenSecretRef={"name": "absent"}))
    assert "absent" in yard.told("m", "SourceUnauthorized")


def test_gated_with_its_token(yard: Yard, hub: Hub) -> None:
    """What the messages above ask for helps."""
    yard.cluster.run("create", "secret", "generic", "hf", f"--from-literal=token={hub.token}")
    yard.submit("m", hugging_face(hub.gated_repo, tokenSecretRef={"name": "hf"}))
    yard.healthy("m")


def test_host_that_is_not_allowed(yard: Yard) -> None:
    yard.submit("m", {"oci": {"ref": "registry.example.com/models/minilm:1"}})
    message = yard.told("m", "HostNotAllowed")
    assert "registry.example.com" in message
    assert "allowedHosts" in message


def test_tag_that_is_not_there(yard: Yard, tiny_source: Object) -> None:
    host = tiny_source["oci"]["ref"].split("/")[0]
    yard.submit("m", {"oci": {"ref": f"{host}/models/absent:1"}})
    assert "models/absent" in yard.told("m", "SourceNotFound")


def test_digest_that_does_not_match(yard: Yard, hub: Hub) -> None:
    """The hub says one sha256 and sends other bytes: never built from."""
    yard.submit("m", hugging_face(hub.corrupted_repo))
    assert "sha256" in yard.told("m", "DigestMismatch")


def test_claim_that_is_not_there(yard: Yard) -> None:
    yard.submit("m", {"pvc": {"claimName": "absent"}})
    assert "absent" in yard.told("m", "SourceNotFound")


def test_unsupported_architecture(yard: Yard, push: Push, tiny_folder: Path, tmp_path: Path) -> None:
    folder = with_config(tiny_folder, tmp_path / "m", architectures=["MambaForCausalLM"], model_type="mamba")
    yard.submit("m", push(folder, "unsupported"))
    message = yard.told("m", "UnsupportedArchitecture")
    assert "mamba" in message
    assert "bert" in message


def test_truncated_weights(yard: Yard, push: Push, tiny_folder: Path, tmp_path: Path) -> None:
    yard.submit("m", push(with_truncated_weights(tiny_folder, tmp_path / "m"), "truncated"))
    assert "model.safetensors" in yard.told("m", "SourceInvalid")


def test_folder_without_a_tokenizer(yard: Yard, push: Push, tiny_folder: Path, tmp_path: Path) -> None:
    folder = with_config(tiny_folder, tmp_path / "m")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    yard.submit("m", push(folder, "wordless"))
    assert "tokenizer" in yard.told("m", "SourceInvalid")


def test_longer_than_the_model_reads(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, optimization={"shapes": {"sequence": {"max": 4096}}})
    assert "512" in yard.told("m", "ShapesNotPossible")


def test_task_that_is_not_supported_yet(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, task="Generation")
    assert "Embedding" in yard.told("m", "NotSupportedYet")


def test_engine_that_is_not_supported_yet(yard: Yard, tiny_source: Object) -> None:
    yard.submit("m", tiny_source, optimization={"engine": "TensorRT"})
    assert "OpenVINO" in yard.told("m", "NotSupportedYet")
