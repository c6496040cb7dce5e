"""What a model is for, how its answer is made and where its texts are cut, out of its own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard.contract.choices import Task
from modelyard.contract.steps import BuildReason
from modelyard.reasons import Reason, with_fix
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.description import Description, Pooling, describe
from modelyard_runtime.models.families import FAMILIES, family_of

BERT: dict[str, Any] = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "max_position_embeddings": 512,
    "vocab_size": 30522,
    "pad_token_id": 0,
}
CLASSIFIER = BERT | {
    "architectures": ["BertForSequenceClassification"],
    "id2label": {"1": "good", "0": "bad", "10": "ugly"},
}
TAGGER = CLASSIFIER | {"architectures": ["BertForTokenClassification"], "id2label": {"0": "O", "1": "B-PER"}}
RERANKER = CLASSIFIER | {"id2label": {"0": "LABEL_0"}}
REGRESSION = RERANKER | {"problem_type": "regression"}
MEAN = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}


def model(
    folder: Path,
    config: dict[str, Any],
    *,
    kinds: tuple[str, ...] = (),
    pooling: dict[str, Any] | None = None,
    files: dict[str, Any] | None = None,
) -> Path:
    contents: dict[str, Any] = {"config.json": config} | (files or {})
    if kinds:
        paths = ("", "1_Pooling", "2_More", "3_More")
        contents["modules.json"] = [
            {"path": path, "type": f"sentence_transformers.models.{kind}"}
            for path, kind in zip(paths, kinds, strict=False)
        ]
    if pooling is not None:
        contents["1_Pooling/config.json"] = pooling
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def refused(folder: Path, task: Task = Task.AUTO) -> tuple[BuildReason, str]:
    with pytest.raises(BuildFailed) as failed:
        describe(folder, task)
    return failed.value.reason, str(failed.value)


def test_a_sentence_transformer_is_an_embedder_as_its_modules_say(tmp_path: Path) -> None:
    kinds = ("Transformer", "Pooling", "Normalize")
    limit = {"sentence_bert_config.json": {"max_seq_length": 256}}
    found = describe(model(tmp_path, BERT, kinds=kinds, pooling=MEAN, files=limit), Task.AUTO)
    assert found == Description(
        family=FAMILIES["bert"],
        architecture="BertModel",
        task=Task.EMBEDDING,
        positions=512,
        token_limit=256,
        vocabulary=30522,
        pad_token=0,
        layers=6,
        size=384,
        pooling=Pooling.MEAN,
        normalized=True,
    )
    assert found.output == "embedding"


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (MEAN, Pooling.MEAN),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, Pooling.CLS),
        ({"pooling_mode_max_tokens": True}, Pooling.MAX),
        ({"pooling_mode": "cls"}, Pooling.CLS),
        ({"pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": False}, Pooling.LAST),
        ({"pooling_mode": "lasttoken"}, Pooling.LAST),
        ({"pooling_mode": "mean", "include_prompt": True}, Pooling.MEAN),
    ],
)
def test_pooling_is_read_in_the_old_words_and_the_new(
    tmp_path: Path, pooling: dict[str, Any], expected: Pooling
) -> None:
    found = describe(model(tmp_path, BERT, kinds=("Transformer", "Pooling"), pooling=pooling), Task.AUTO)
    assert (found.pooling, found.normalized) == (expected, False)


@pytest.mark.parametrize(
    ("pooling", "words"),
    [
        (MEAN | {"pooling_mode_max_tokens": True}, "asks for pooling_mode_mean_tokens, pooling_mode_max_tokens"),
        ({"pooling_mode": "weightedmean"}, "asks for weightedmean"),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, "builds one of Mean, Cls, Max, Last"),
        ({}, "asks for nothing"),
    ],
)
def test_another_pooling_is_refused_by_name(tmp_path: Path, pooling: dict[str, Any], words: str) -> None:
    reason, message = refused(model(tmp_path, BERT, kinds=("Transformer", "Pooling"), pooling=pooling))
    assert reason is BuildReason.UNSUPPORTED_ARCHITECTURE
    assert words in message


def test_a_dense_layer_behind_the_pooling_is_refused(tmp_path: Path) -> None:
    reason, message = refused(model(tmp_path, BERT, kinds=("Transformer", "Pooling", "Dense"), pooling=MEAN))
    assert reason is BuildReason.UNSUPPORTED_ARCHITECTURE
    assert "Transformer, Pooling, Dense" in message


def test_a_pooling_that_is_not_there_is_missed(tmp_path: Path) -> None:
    reason, message = refused(model(tmp_path, BERT, kinds=("Transformer", "Pooling")))
    assert reason is BuildReason.SOURCE_INVALID
    assert "1_Pooling/config.json is missing" in message


def test_a_bare_encoder_is_pooled_by_the_mean_and_says_that_this_was_a_guess(tmp_path: Path) -> None:
    found = describe(model(tmp_path, BERT), Task.AUTO)
    assert (found.pooling, found.says_pooling) == (Pooling.MEAN, False)


def test_labels_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    found = describe(model(tmp_path, CLASSIFIER), Task.AUTO)
    assert (found.task, found.labels, found.size) == (Task.CLASSIFICATION, ("bad", "good", "ugly"), 3)
    assert (found.output, found.multi_label, found.pooling) == ("logits", False, None)


def test_a_tagger_has_an_answer_for_each_token(tmp_path: Path) -> None:
    found = describe(model(tmp_path, TAGGER), Task.AUTO)
    assert (found.task, found.per_token) == (Task.TOKEN_CLASSIFICATION, True)
    assert (found.output, found.labels, found.size) == ("logits", ("O", "B-PER"), 2)
    assert found.model_class == "BertForTokenClassification"


@pytest.mark.parametrize(
    "config",
    [
        RERANKER,
        REGRESSION | {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}},
        REGRESSION | {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
    ],
)
def test_one_output_is_the_score_of_a_reranker(tmp_path: Path, config: dict[str, Any]) -> None:
    found = describe(model(tmp_path, config), Task.AUTO)
    assert (found.task, found.output, found.size) == (Task.RERANKING, "logits", 1)
    assert found.model_class == "BertForSequenceClassification"
    assert not found.per_token


def test_a_regression_is_a_reranker_when_asked_to_be(tmp_path: Path) -> None:
    assert describe(model(tmp_path, REGRESSION), Task.RERANKING).task is Task.RERANKING


@pytest.mark.parametrize(
    ("config", "files", "reads"),
    [
        (RERANKER, {}, True),
        (CLASSIFIER, {}, True),
        (RERANKER | {"type_vocab_size": 1}, {}, False),
        (RERANKER, {"tokenizer_config.json": {"model_input_names": ["input_ids", "attention_mask"]}}, False),
        (RERANKER, {"tokenizer_config.json": {"model_input_names": ["input_ids", "token_type_ids"]}}, True),
        (RERANKER, {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer"}}, True),
        (RERANKER, {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}}, True),
        (RERANKER, {"tokenizer_config.json": {"tokenizer_class": "TokenizersBackend"}}, False),
        (RERANKER | {"model_type": "roberta", "architectures": ["RobertaForSequenceClassification"]}, {}, False),
        (TAGGER, {}, False),  # a tagger reads single texts
        (BERT, {}, False),  # and so does an embedder
    ],
)
def test_who_tells_the_texts_of_a_pair_apart_reads_token_types(
    tmp_path: Path,
    config: dict[str, Any],
    files: dict[str, Any],
    reads: bool,  # noqa: FBT001 - a column of the table
) -> None:
    found = describe(model(tmp_path, config, files=files), Task.AUTO)
    assert found.inputs == ("input_ids", "attention_mask", *["token_type_ids"] * reads)


def test_labels_that_hold_at_once_are_told_apart(tmp_path: Path) -> None:
    several = CLASSIFIER | {"problem_type": "multi_label_classification", "id2label": {"0": "only"}}
    found = describe(model(tmp_path, several), Task.CLASSIFICATION)
    assert (found.multi_label, found.labels) == (True, ("only",))


@pytest.mark.parametrize(
    ("config", "task", "words"),
    [
        (BERT, Task.CLASSIFICATION, "BertModel has no head for task Classification: give a model that ends in "),
        (BERT, Task.RERANKING, "BertModel has no head for task Reranking"),
        (CLASSIFIER, Task.TOKEN_CLASSIFICATION, "give a model that ends in ForTokenClassification, or task: Embedding"),
        (TAGGER, Task.CLASSIFICATION, "BertForTokenClassification has no head for task Classification"),
        (BERT, Task.GENERATION, "Generation is not built by this version; Embedding, Classification, TokenCl"),
        (BERT | {"architectures": ["BertForMaskedLM"]}, Task.AUTO, "set spec.task: Embedding"),
        (CLASSIFIER, Task.RERANKING, "the head has 3 outputs and a reranker has one, the score: task: Classification"),
        (REGRESSION, Task.AUTO, "set spec.task: Reranking if it scores pairs of texts"),
        (RERANKER, Task.CLASSIFICATION, "the head has one output, which is no class but a score: task: Reranking"),
        (TAGGER | {"id2label": {"0": "score"}}, Task.AUTO, "the head has one output"),
    ],
)
def test_a_task_that_the_model_has_not_is_refused_with_the_fix(
    tmp_path: Path, config: dict[str, Any], task: Task, words: str
) -> None:
    reason, message = refused(model(tmp_path, config), task)
    assert reason is BuildReason.UNSUPPORTED_TASK
    assert words in message
    assert with_fix(Reason.UNSUPPORTED_TASK, message) == message, "it says the fix itself"


def test_a_language_model_is_an_embedder_when_asked_to_be(tmp_path: Path) -> None:
    config = BERT | {"architectures": ["BertForMaskedLM"]}
    assert describe(model(tmp_path, config), Task.EMBEDDING).task is Task.EMBEDDING


@pytest.mark.parametrize(
    ("config", "files", "positions", "limit"),
    [
        (BERT, {}, 512, 512),
        (BERT, {"tokenizer_config.json": {"model_max_length": 128}}, 512, 128),
        (BERT, {"tokenizer_config.json": {"model_max_length": 10**30}}, 512, 512),  # what "no limit" looks like
        (BERT, {"sentence_bert_config.json": {"max_seq_length": None}}, 512, 512),
        (BERT | {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {}, 512, 512),
        (BERT | {"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {}, 512, 512),
        (BERT | {"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}, {}, 512, 512),
        (BERT | {"model_type": "distilbert", "dim": 64, "n_layers": 2}, {}, 512, 512),
        (BERT | {"model_type": "modernbert", "max_position_embeddings": 8192}, {}, 8192, 8192),
        (BERT | {"model_type": "qwen3", "max_position_embeddings": 32768}, {}, 32768, 32768),
    ],
)
def test_texts_are_cut_where_the_files_say_and_never_beyond_the_positions(
    tmp_path: Path, config: dict[str, Any], files: dict[str, Any], positions: int, limit: int
) -> None:
    found = describe(model(tmp_path, config, files=files), Task.EMBEDDING)
    assert (found.positions, found.token_limit) == (positions, limit)


@pytest.mark.parametrize("config", [{"model_type": "llama"}, {}])
def test_another_architecture_is_refused_with_those_that_are_built(config: dict[str, Any]) -> None:
    with pytest.raises(
        BuildFailed, match="this version builds bert, roberta, xlm-roberta, distilbert, mpnet, modernbert, qwen3"
    ) as failed:
        family_of(config)
    assert failed.value.reason is BuildReason.UNSUPPORTED_ARCHITECTURE


def test_a_decoder_that_classifies_needs_to_know_its_padding(tmp_path: Path) -> None:
    config = CLASSIFIER | {"model_type": "qwen3", "architectures": ["Qwen3ForSequenceClassification"]}
    assert describe(model(tmp_path, config), Task.AUTO).task is Task.CLASSIFICATION
    reason, message = refused(model(tmp_path, config | {"pad_token_id": None}))
    assert reason is BuildReason.SOURCE_INVALID
    assert "save it with model.config.pad_token_id set" in message
