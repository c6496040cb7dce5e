"""Volumes, registries and folders that can't be built from: each condition names the reason and says the fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from examples.demo.sentence_model import REGISTRY
from tests.e2e.kit import Push
from tests.e2e.yard import Yard
from tests.models.broken import with_config, with_truncated_weights

pytestmark = pytest.mark.cluster

Words = tuple[str, ...]

SOURCES: dict[str, tuple[Object, str, Words]] = {
    "a host that is not allowed": (
        {"oci": {"ref": "registry.example.com/models/minilm:1"}},
        "HostNotAllowed",
        ("registry.example.com", "add it to the chart's sources.allowedHosts"),
    ),
    "a bucket that is not allowed": (
        {"objectStore": {"url": "s3://elsewhere/minilm/"}},
        "HostNotAllowed",
        ("s3://elsewhere", "allowed: ", "add it to the chart's sources.allowedHosts"),
    ),
    "a tag that is not there": (
        {"oci": {"ref": f"{REGISTRY}/models/absent:1"}},
        "SourceNotFound",
        ("models/absent", "modelyard push", "correct spec.source.oci.ref"),
    ),
    "a claim that is not there": (
        {"pvc": {"claimName": "absent"}},
        "SourceNotFound",
        ("absent", "create the claim, or correct spec.source.pvc.claimName"),
    ),
}


@pytest.mark.parametrize("case", SOURCES)
def test_a_source_that_is_not_there(yard: Yard, case: str) -> None:
    source, reason, words = SOURCES[case]
    yard.submit("m", source)
    assert_told(yard, reason, words)


def mamba(folder: Path, copy: Path) -> Path:
    """Say another architecture."""
    return with_config(folder, copy, architectures=["MambaForCausalLM"], model_type="mamba")


def wordless(folder: Path, copy: Path) -> Path:
    """Leave the tokenizer out."""
    copied = with_config(folder, copy)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copied / name).unlink()
    return copied


FOLDERS: dict[str, tuple[Callable[[Path, Path], Path], str, Words]] = {
    "unsupported": (mamba, "UnsupportedArchitecture", ("mamba", "bert", "use a model of an architecture that is")),
    "truncated": (with_truncated_weights, "SourceInvalid", ("model.safetensors", "upload it again")),
    "wordless": (wordless, "SourceInvalid", ("there is no tokenizer", "save it beside the model")),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_that_is_no_model(yard: Yard, push: Push, tiny_folder: Path, tmp_path: Path, case: str) -> None:
    broken, reason, words = FOLDERS[case]
    yard.submit("m", push(broken(tiny_folder, tmp_path / "m"), case))
    assert_told(yard, reason, words)


SPECS: dict[str, tuple[Object, str, Words]] = {
    "longer than the model reads": (
        {"optimization": {"shapes": {"sequence": {"max": 4096}}}},
        "ShapesNotPossible",
        ("4096", "set optimization.shapes.sequence.max to 512 or less"),
    ),
    "a task that is not supported yet": (
        {"task": "Generation"},
        "NotSupportedYet",
        ("TokenClassification and Reranking are", "choose one of those"),
    ),
    "an engine that is not supported yet": (
        {"optimization": {"engine": "TensorRT"}},
        "NotSupportedYet",
        ("OpenVINO BF16", "choose one of those, or Auto"),
    ),
}


@pytest.mark.parametrize("case", SPECS)
def test_a_spec_that_asks_too_much_of_the_model(yard: Yard, tiny_source: Object, case: str) -> None:
    spec, reason, words = SPECS[case]
    yard.submit("m", tiny_source, **spec)
    assert_told(yard, reason, words)


def assert_told(yard: Yard, reason: str, words: Words) -> None:
    """The condition with the reason says each of the words: what is wrong, and what to do."""
    message = yard.told("m", reason)
    assert [word for word in words if word not in message] == [], message
