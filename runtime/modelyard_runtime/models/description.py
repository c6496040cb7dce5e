"""What a model is for and how its answer is made, read from the model's own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from modelyard.contract.choices import INPUTS, SUPPORTED_TASKS, TOKEN_TYPES, Task
from modelyard.contract.steps import BuildReason
from modelyard.manifests.triton_config import OUTPUTS
from modelyard.wording import listed
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.adapters import Adapter
from modelyard_runtime.models.families import Family, family_of
from modelyard_runtime.models.folder import read_json

MODULES = "modules.json"
CLASSIFIER, TAGGER = "ForSequenceClassification", "ForTokenClassification"
HEADS = {Task.CLASSIFICATION: CLASSIFIER, Task.TOKEN_CLASSIFICATION: TAGGER, Task.RERANKING: CLASSIFIER}
"""What the class of a model for a task ends in; embeddings are made by the encoder alone."""
ADAPTED_HEADS = {"SEQ_CLS": CLASSIFIER, "TOKEN_CLS": TAGGER}
"""What PEFT calls the tasks whose head an adapter may bring."""
MULTI_LABEL, REGRESSION = "multi_label_classification", "regression"
CROSS_ENCODER = ("sentence_transformers", "sbert_ce_default_activation_function")
"""What sentence-transformers notes in the config.json of a cross-encoder, today and formerly."""


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
    ``token_types`` is True where the texts of a pair are told apart by a tensor of their own, ``token_type_ids``.
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
    token_types: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of the tensors that it reads, int64 [texts, tokens] each."""
        return (*INPUTS, TOKEN_TYPES) if self.token_types else INPUTS

    @property
    def output(self) -> str:
        """Return the name of the answer's tensor."""
        return OUTPUTS[self.task].name

    @property
    def per_token(self) -> bool:
        """Return whether each token has an answer of its own, and not each text."""
        return self.task is Task.TOKEN_CLASSIFICATION

    @property
    def model_class(self) -> str:
        """Return the class of transformers that computes the answer, pooling apart."""
        head = HEADS.get(self.task)
        return self.family.encoder if head is None else self.family.with_head(head)


def describe(folder: Path, asked: Task, adapters: Sequence[Adapter] = ()) -> Description:
    """Read a model's files, and the adapters that are merged into it.

    Raises BuildFailed: unsupported architecture or task, or files that don't fit together.
    """
    config = read_json(folder, "config.json") or {}
    family = family_of(config)
    config = _with_head(config, family, adapters)
    architecture = (config.get("architectures") or [family.encoder])[0]
    task = _task(folder, config, architecture, asked)
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
    if task is Task.EMBEDDING:
        return Description(**common, **_embedding(folder), size=int(config[family.hidden]))
    labels = _labels(config)
    common |= {"labels": labels, "size": len(labels)}
    if task is Task.TOKEN_CLASSIFICATION:
        return Description(**common)
    if family.decoder and config.get("pad_token_id") is None:
        raise BuildFailed(
            BuildReason.SOURCE_INVALID,
            "config.json has no pad_token_id, and this classifier reads the last token that is no padding: "
            "save it with model.config.pad_token_id set",
        )
    return Description(
        **common, multi_label=_is_multi_label(config), token_types=_has_token_types(folder, config, family)
    )


def _with_head(config: dict[str, Any], family: Family, adapters: Sequence[Adapter]) -> dict[str, Any]:
    """Return the config with the head that an adapter brings: PEFT saves one whole, and writes no config of it."""
    for adapter in adapters:
        head = ADAPTED_HEADS.get(str(adapter.config.get("task_type")))
        if head is None or adapter.head_outputs is None:
            continue
        config = config | {"architectures": [family.with_head(head)]}
        if len(_labels(config)) != adapter.head_outputs:
            config["id2label"] = {str(i): f"LABEL_{i}" for i in range(adapter.head_outputs)}
    return config


def _task(folder: Path, config: dict[str, Any], architecture: str, asked: Task) -> Task:
    """Return the task: the one asked for if the model has it, else what its files say."""
    if asked is Task.AUTO:
        return _task_of_files(folder, config, architecture)
    if asked not in SUPPORTED_TASKS:
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK,
            f"task {asked} is not built by this version; {listed(SUPPORTED_TASKS)} are: set spec.task to one of them",
        )
    head = HEADS.get(asked, "")
    if not architecture.endswith(head):
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK,
            f"{architecture} has no head for task {asked}: give a model that ends in {head}, or task: Embedding",
        )
    count, several = len(_labels(config)), _is_multi_label(config)
    if asked is Task.RERANKING and (count > 1 or several):
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK,
            f"the head has {count} outputs and a reranker has one, the score: task: Classification serves its logits",
        )
    if head and asked is not Task.RERANKING and count == 1 and not (several and asked is Task.CLASSIFICATION):
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK,
            "the head has one output, which is no class but a score: "
            "task: Reranking serves that of a model that ends in " + CLASSIFIER,
        )
    return asked


def _task_of_files(folder: Path, config: dict[str, Any], architecture: str) -> Task:
    """Return what the files say that the model is for."""
    if architecture.endswith(TAGGER):
        return _task(folder, config, architecture, Task.TOKEN_CLASSIFICATION)
    if architecture.endswith(CLASSIFIER):
        if len(_labels(config)) > 1 or _is_multi_label(config):
            return Task.CLASSIFICATION
        # Whoever trains one output with transformers has it noted as a regression, of pairs or of single texts.
        if config.get("problem_type") != REGRESSION or any(key in config for key in CROSS_ENCODER):
            return Task.RERANKING
        raise BuildFailed(
            BuildReason.UNSUPPORTED_TASK,
            "the head has one output, a regression: set spec.task: Reranking if it scores pairs of texts, "
            "or give a model with a class for each answer",
        )
    if (folder / MODULES).is_file() or architecture.endswith("Model"):
        return Task.EMBEDDING
    raise BuildFailed(
        BuildReason.UNSUPPORTED_TASK,
        f"{architecture} has no task that can be told from its files; set spec.task: Embedding to serve its states "
        f"as embeddings, or give a model that ends in Model, {CLASSIFIER} or {TAGGER}",
    )


def _labels(config: dict[str, Any]) -> tuple[str, ...]:
    """Return the labels of a head in the order of its outputs; named by transformers where the files don't."""
    labels = [str(label) for _, label in sorted((int(k), v) for k, v in (config.get("id2label") or {}).items())]
    return tuple(labels or (f"LABEL_{i}" for i in range(int(config.get("num_labels", 2)))))


def _is_multi_label(config: dict[str, Any]) -> bool:
    return bool(config.get("problem_type") == MULTI_LABEL)


def _has_token_types(folder: Path, config: dict[str, Any], family: Family) -> bool:
    """Return whether model and tokenizer tell the texts of a pair apart by token types."""
    tokenizer = read_json(folder, "tokenizer_config.json") or {}
    # A tokenizer of no model's own gave them in transformers 4 (PreTrainedTokenizerFast), and gives none in 5.
    by_default = INPUTS if tokenizer.get("tokenizer_class") == "TokenizersBackend" else (*INPUTS, TOKEN_TYPES)
    kinds = int(config.get("type_vocab_size", family.token_types))
    return min(family.token_types, kinds) > 1 and TOKEN_TYPES in tokenizer.get("model_input_names", by_default)


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
