"""The files of a model: read as JSON, and checked for being whole before anything is loaded from them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed

SAFETENSORS = "model.safetensors"
PICKLED = "pytorch_model.bin"
INDEX_SUFFIX = ".index.json"
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")
HEADER_LIMIT_BYTES = 100 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """A weight as its file's header describes it. dtype in safetensors' words (F32, BF16, I64 ...)."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """Return how many numbers it has."""
        count = 1
        for size in self.shape:
            count *= size
        return count


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """Return a JSON object of the folder, None if there is no such file. Raises BuildFailed if it can't be read."""
    path = folder / name
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"{name} is no JSON ({error}): upload it again") from error
    return content if isinstance(content, dict) else {"": content}


def check_whole(folder: Path) -> None:
    """Raise BuildFailed (SourceInvalid) if config, tokenizer or weights are missing, or weights are cut short."""
    if not (folder / "config.json").is_file():
        raise BuildFailed(BuildReason.SOURCE_INVALID, "there is no config.json: name the folder of the model itself")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise BuildFailed(
            BuildReason.SOURCE_INVALID,
            f"there is no tokenizer (one of {', '.join(TOKENIZERS)}): save it beside the model, "
            "with tokenizer.save_pretrained",
        )
    for path in weight_files(folder):
        if path.suffix == ".safetensors":
            safetensors_header(path)
        elif not zipfile.is_zipfile(path):
            raise BuildFailed(
                BuildReason.SOURCE_INVALID,
                f"{path.name} is cut short or no PyTorch file of today: upload it again, best as {SAFETENSORS}",
            )


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights, safetensors where there are any. Raises BuildFailed if one is missing."""
    for name in (SAFETENSORS, PICKLED):
        index = read_json(folder, name + INDEX_SUFFIX)
        if index is not None:
            shards = sorted(set(index["weight_map"].values()))
            elsewhere = [shard for shard in shards if Path(shard).name != shard]
            if elsewhere:
                raise BuildFailed(
                    BuildReason.SOURCE_INVALID,
                    f"{name}{INDEX_SUFFIX} names {', '.join(elsewhere)}, which is elsewhere: put the files beside it",
                )
            paths = [folder / shard for shard in shards]
            missing = [path.name for path in paths if not path.is_file()]
            if missing:
                raise BuildFailed(
                    BuildReason.SOURCE_INVALID,
                    f"{name}{INDEX_SUFFIX} names {', '.join(missing)}, which is missing: upload every shard",
                )
            return paths
        if (folder / name).is_file():
            return [folder / name]
    raise BuildFailed(BuildReason.SOURCE_INVALID, f"there are no weights: neither {SAFETENSORS} nor {PICKLED}")


def tensors(folder: Path) -> Iterator[TensorInfo]:
    """Yield what safetensors' headers say; nothing for a pickled file, which has none."""
    for path in weight_files(folder):
        if path.suffix == ".safetensors":
            yield from tensors_of(path)


def tensors_of(path: Path) -> Iterator[TensorInfo]:
    """Yield what a safetensors file's header says. Raises BuildFailed if it is cut short."""
    for name, info in safetensors_header(path).items():
        if name != "__metadata__":
            yield TensorInfo(name=name, dtype=info["dtype"], shape=tuple(info["shape"]))


def safetensors_header(path: Path) -> dict[str, Any]:
    """Return a file's header. Raises BuildFailed if the file is shorter than its header says."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, HEADER_LIMIT_BYTES):
            raise _damaged(path, "is cut short or no safetensors")
        try:
            header: dict[str, Any] = json.loads(file.read(length))
        except ValueError as error:
            raise _damaged(path, "has no readable header") from error
    ends = (info["data_offsets"][1] for name, info in header.items() if name != "__metadata__")
    want = 8 + length + max(ends, default=0)
    if size != want:
        raise _damaged(path, f"has {size} bytes but its header says {want}: it is truncated or damaged")
    return header


def _damaged(path: Path, problem: str) -> BuildFailed:
    return BuildFailed(BuildReason.SOURCE_INVALID, f"{path.name} {problem}; upload it again")
