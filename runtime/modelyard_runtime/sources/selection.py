"""Which of a source's files a build needs: repositories carry the same weights in four formats and more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

SMALL = (
    *("config.json", "modules.json", "sentence_*_config.json", "config_sentence_transformers.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model"),
)
"""What describes a model, its tokenizer and the modules of a sentence-transformer; patterns of names."""

WEIGHTS = (
    ("model.safetensors.index.json", "model-*.safetensors"),
    ("model.safetensors", None),
    ("pytorch_model.bin.index.json", "pytorch_model-*.bin"),
    ("pytorch_model.bin", None),
)
"""Forms of the weights, the one that is taken first: the file that tells of it, and its shards where it has any."""


def needed(paths: Collection[str], modules: Iterable[str] = ()) -> list[str]:
    """Return the paths of the files to fetch, sorted. modules: further folders that the model is made of."""
    return sorted({path for folder in ("", *modules) for path in _needed_in(folder, paths)})


def _needed_in(folder: str, paths: Collection[str]) -> list[str]:
    """Return what is needed of one folder, not of those below it."""
    inside = {}
    for path in paths:
        parts = PurePosixPath(path)
        if parts.parent == PurePosixPath(folder) and ".." not in parts.parts:
            inside[parts.name] = path
    names = [name for name in inside if any(fnmatchcase(name, pattern) for pattern in SMALL)]
    return [inside[name] for name in names + _weights(inside)]


def _weights(names: Collection[str]) -> list[str]:
    """Return the names of the weights in the best form that is there, none if there is none."""
    for told_by, shards in WEIGHTS:
        if told_by in names:
            return [told_by, *(name for name in names if shards and fnmatchcase(name, shards))]
    return []
