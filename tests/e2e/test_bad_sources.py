"""Volumes, registries and folders that can't be built from: each condition names the reason and says the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from tests.e2e.kit import Push
from tests.e2e.yard import Yard
from tests.models.broken import with_config, with_truncated_weights

pytestmark = pytest.mark.cluster


def test_host_that_is_not_allowed(yard: Yard) -> None:
    yard.submit("m", {"oci": {"ref": "registry.example.com/models/minilm:1"}})
    message = yard.told("m", "HostNotAllowed")
    assert "registry.example.com" in message
    assert "allowedHosts" in message


def test_tag_that_is_not_there(yard: Yard, tiny_source: Object) -> None:
    host = tiny_source["oci"]["ref"].split("/")[0]
    yard.submit("m", {"oci": {"ref": f"{host}/models/absent:1"}})
    assert "models/absent" in yard.told("m", "SourceNotFound")


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
