"""A model's files are found whole, or refused with what is wrong, before anything is loaded from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.numpy import save_file

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.memory import parameters_of
from modelyard_runtime.models.folder import check_whole, read_json, tensors, weight_files

HEADER_BYTES = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole model of two tensors."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    weights: dict[str, npt.NDArray[Any]] = {"a": np.zeros((3, 5), np.float32), "b": np.zeros(7, np.float16)}
    save_file(weights, tmp_path / "model.safetensors")
    return tmp_path


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def cut_within_the_header(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: HEADER_BYTES + 4])


def garbled(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[HEADER_BYTES : HEADER_BYTES + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)


def an_error_page(folder: Path) -> None:
    (folder / "model.safetensors").write_text("<html>404</html>")


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def with_a_shard_missing(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))


def with_a_shard_elsewhere(folder: Path) -> None:
    shard = (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    shards = {"a": str(shard), "b": f"../{folder.name}/{shard.name}"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))


def pickled_and_cut(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1000)}, folder / "pytorch_model.bin")
    path = folder / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:1000])


def test_a_whole_folder_is_taken(folder: Path) -> None:
    check_whole(folder)
    assert [(found.name, found.parameters) for found in tensors(folder)] == [("a", 15), ("b", 7)]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (without("config.json"), "there is no config.json"),
        (without("tokenizer.json"), "there is no tokenizer"),
        (without("model.safetensors"), "there are no weights"),
        (cut, "truncated or damaged; upload it again"),
        (cut_within_the_header, "cut short or no safetensors; upload it again"),
        (garbled, "no readable header; upload it again"),
        (an_error_page, "cut short or no safetensors; upload it again"),
        (with_a_shard_missing, "names model-00002-of-00002.safetensors, which is missing: upload every shard"),
        (with_a_shard_elsewhere, "names ../.*, /.*, which is elsewhere: put the files beside it"),
        (pickled_and_cut, "cut short or no PyTorch file of today"),
    ],
)
def test_a_broken_folder_is_refused_with_the_fix(folder: Path, broken: Callable[[Path], None], words: str) -> None:
    broken(folder)
    with pytest.raises(BuildFailed, match=words) as refused:
        check_whole(folder)
    assert refused.value.reason is BuildReason.SOURCE_INVALID


def test_every_shard_is_read_once(folder: Path) -> None:
    with_a_shard_missing(folder)
    save_file({"b": np.zeros(7, np.float16)}, folder / "model-00002-of-00002.safetensors")
    assert [path.name for path in weight_files(folder)] == [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]


def test_a_pickled_file_is_whole_and_its_size_says_how_many_weights_it_has(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(100_000)}, folder / "pytorch_model.bin")
    check_whole(folder)
    assert not list(tensors(folder))
    assert parameters_of(folder) == pytest.approx(100_000, rel=0.02)


def test_json_that_is_none_is_refused_and_a_missing_file_is_nothing(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(BuildFailed, match=r"config\.json is no JSON"):
        read_json(folder, "config.json")
    assert read_json(folder, "modules.json") is None
