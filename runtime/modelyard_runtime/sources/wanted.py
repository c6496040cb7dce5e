"""Which files of a model a build uses: configuration, tokenizer, and one form of the weights."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelyard_runtime.models.folder import INDEX_SUFFIX, PICKLED, SAFETENSORS

SMALL_FILES = frozenset(
    {
        *("config.json", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
        *("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model"),
    }
)
_MODULE_CONFIG = re.compile(r"\d+_[A-Za-z]+/config\.json")  # 1_Pooling/config.json
_SAFETENSORS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_PICKLED = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")


def wanted(paths: Iterable[str]) -> list[str]:
    """Return those of a model's files that a build uses, sorted. Pickled weights only where there are no others."""
    names = set(paths)
    small = {name for name in names if name in SMALL_FILES or _MODULE_CONFIG.fullmatch(name)}
    weights = {name for name in names if _SAFETENSORS.fullmatch(name)}
    index = SAFETENSORS + INDEX_SUFFIX
    if not weights and index not in names:
        weights = {name for name in names if _PICKLED.fullmatch(name)}
        index = PICKLED + INDEX_SUFFIX
    return sorted(small | weights | ({index} & names))
