"""Which files a build uses: of a model configuration, tokenizer and one form of the weights; of an adapter both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from modelyard_runtime.models.adapters import CONFIG, WEIGHTS
from modelyard_runtime.models.folder import INDEX_SUFFIX, PICKLED, SAFETENSORS

MODULES = "modules.json"
SMALL_FILES = frozenset(
    {
        *("config.json", MODULES, "sentence_bert_config.json", "config_sentence_transformers.json"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
        *("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model"),
    }
)
_MODULE_CONFIG = re.compile(r"\d+_[A-Za-z]+/config\.json")  # 1_Pooling/config.json
_SAFETENSORS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_PICKLED = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")


INDEXES = (SAFETENSORS + INDEX_SUFFIX, PICKLED + INDEX_SUFFIX)


def named_by(name: str, content: bytes) -> list[str]:
    """Return the files that a file of the folder names: an index its shards, ``modules.json`` the modules' own files.

    Only those that a build uses, whatever else stands there. Raises ValueError if it isn't what its name says.
    """
    try:
        read = json.loads(content)
        if name in INDEXES:
            return wanted(str(shard) for shard in read["weight_map"].values())
        if name == MODULES:
            return wanted(f"{module['path']}/config.json" for module in read)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{name} lacks what it should say: {error!r}") from error
    return []


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


def wanted_of_adapter(paths: Iterable[str]) -> list[str]:
    """Return those of an adapter's files that a build uses, sorted. Its pickled weights are none of them."""
    return sorted({CONFIG, WEIGHTS} & set(paths))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to take of a place. ``of`` chooses among the paths that are there.

    Where a place lists nothing it is asked for ``small`` files by name, and for the first form of ``weights`` that it
    has.
    """

    of: Callable[[Iterable[str]], list[str]]
    small: frozenset[str]
    weights: tuple[str, ...]


MODEL = Wanted(of=wanted, small=SMALL_FILES, weights=(SAFETENSORS, PICKLED))
ADAPTER = Wanted(of=wanted_of_adapter, small=frozenset({CONFIG}), weights=(WEIGHTS,))
