"""What a model is for and how its answer is made, read from the model's own files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from modelyard.contract.choices import Task
from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.families import Family, family_of
from modelyard_runtime.models.folder import read_json

MODULES = "modules.json"
CLASSIFIER = "ForSequenceClassification"
MULTI_LABEL = "multi_label_classification"


class Pooling(StrEnum):
    """How the tokens' states become one vector."""

    MEAN = "Mean"
    CLS = "Cls"
    MAX = "Max"
    LAST = "Last"


_POOLING_MODES = {
    "pooling_mode_mean_tokens": Pooling.MEAN,
    "pooling_mode_cls_token": Pooling.CLS,
    "pooling_mode_max_tokens": Pooling.MAX,
    "pooling_mode_lasttoken": Pooling.LAST,
}
_POOLING_WORDS = {"mean": Pooling.MEAN, "cls": Pooling.CLS, "max": Pooling.MAX, "lasttoken": Pooling.LAST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A model without its weights.

    ``token_limit`` is where its own files cut a text, at most ``positions``. ``size`` is the answer's last dimension.
    ``says_pooling`` is False where the files say nothing and the mean is taken, as sentence-transformers does.
    """

    family: Family
    architecture: str
    task: Task
    positions: int
    token_limit: int
    vocabulary: int
    pad_token: int
    layers: int
    size: int
    pooling: Pooling | None = None
    normalized: bool = False
    says_pooling: bool = True
    labels: tuple[str, ...] = ()
    multi_label: bool = False

    @property
    def output(self) -> str:
        """Return the name of the answer's tensor."""
        return "embedding" if self.task is Task.EMBEDDING else "logits"


def describe(folder: Path, asked: Task) -> Description:
    """Read a model's files. Raises BuildFailed: unsupported architecture or task, or files that don't fit together."""
    config = read_json(folder, "config.json") or {}
    family = family_of(config)
    architecture = (config.get("architectures") or [family.encoder])[0]
    task = _task(folder, architecture, asked)
    positions = family.positions(config)
    common: dict[str, Any] = {
        "family": family,
        "architecture": architecture,
        "task": task,
        "positions": positions,
        "token_limit": min(positions, _token_limit(folder) or positions),
        "vocabulary": int(config["vocab_size"]),
        "pad_token": int(config.get("pad_token_id") or 0),
        "layers": int(config[family.layers]),
    }
    if task is Task.CLASSIFICATION:
        if family.decoder and config.get("pad_token_id") is None:
            raise BuildFailed(
                BuildReason.SOURCE_INVALID,
                "config.json has no pad_token_id, and this classifier reads the last token that is no padding: "
                "save it with model.config.pad_token_id set",
            )
        return Description(**common, **_classification(config))
    return Description(**common, **_embedding(folder), size=int(config[family.hidden]))


def _task(folder: Path, architecture: str, asked: Task) -> Task:
    """Return the task: the one asked for if the model has it, else what its files say."""
    classifies = architecture.endswith(CLASSIFIER)
    if asked is Task.AUTO:
        if classifies:
            return Task.CLASSIFICATION
        if (folder / MODULES).is_file() or architecture.endswith("Model"):
            return Task.EMBEDDING
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK,
            f"{architecture} has no task that can be told from its files; set spec.task: Embedding to serve its states "
            f"as embeddings, or give a model that ends in Model or {CLASSIFIER}",
        )
    if asked is Task.CLASSIFICATION and not classifies:
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK,
            f"{architecture} has no classification head: give a model that ends in {CLASSIFIER}, or task: Embedding",
        )
    if asked not in {Task.EMBEDDING, Task.CLASSIFICATION}:
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK, f"task {asked} is not built by this version; Embedding and Classification are"
        )
    return asked


def _classification(config: dict[str, Any]) -> dict[str, Any]:
    """Return labels and kind of a classifier."""
    labels = [label for _, label in sorted((int(k), v) for k, v in (config.get("id2label") or {}).items())]
    labels = labels or [f"LABEL_{i}" for i in range(int(config.get("num_labels", 2)))]
    multi_label = config.get("problem_type") == MULTI_LABEL
    if len(labels) == 1 and not multi_label:
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK, "the head has one output: a regression or a reranker, which isn't built yet"
        )
    return {"labels": tuple(map(str, labels)), "multi_label": multi_label, "size": len(labels)}


def _embedding(folder: Path) -> dict[str, Any]:
    """Return pooling and normalisation as sentence-transformers' files say."""
    modules = (read_json(folder, MODULES) or {}).get("")
    if modules is None:
        return {"pooling": Pooling.MEAN, "says_pooling": False}
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) or modules[0]["path"]:
        raise BuildFailed(
            BuildReason.UNSUPPORTED_ARCHITECTURE,
            f"{MODULES} lists {', '.join(kinds)}; this version builds Transformer (in the main folder), Pooling and "
            "optionally Normalize",
        )
    return {"pooling": _pooling(folder, modules[1]["path"]), "normalized": "Normalize" in kinds}


def _pooling(folder: Path, name: str) -> Pooling:
    """Return the pooling of a Pooling module's config, in the old form (flags) or the new one (a word)."""
    config = read_json(folder, f"{name}/config.json")
    if config is None:
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"{name}/config.json is missing, which {MODULES} names")
    on = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    word = config.get("pooling_mode")
    found = _POOLING_WORDS.get(str(word)) if word else (_POOLING_MODES.get(on[0]) if len(on) == 1 else None)
    if found is None:
        said = word or ", ".join(on) or "nothing"
        raise BuildFailed(
            BuildReason.UNSUPPORTED_ARCHITECTURE,
            f"{name}/config.json asks for {said}; this version builds one of {', '.join(Pooling)}",
        )
    return found


def _token_limit(folder: Path) -> int | None:
    """Return where the model's own files cut a text, None if they don't say."""
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        limit = (read_json(folder, name) or {}).get(key)
        if isinstance(limit, int) and limit > 0:
            return limit
    return None
